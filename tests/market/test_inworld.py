"""The market under virtual time, reached through `requests`: what whole stories in one process stand on."""

import time

import pytest
import requests

from fakes.inworld import URL, InWorld
from fakes.practice import Practice, rental


def _session(p: Practice) -> requests.Session:
    session = requests.Session()
    session.mount(URL, InWorld(p.market, p.clock))
    session.headers["Authorization"] = f"Bearer {p.market.key}"
    return session


def test_a_client_of_requests_meets_resets_and_timeouts_and_months_pass_at_once() -> None:
    p = Practice("reset-after-accept:once,slow-answer:on=user:seconds=40", limits=False)
    session = _session(p)
    found = session.post(f"{URL}/api/v0/bundles/", json={"gpu_name": {"eq": "RTX 4090"}, "disk_space": {"gt": 60}})
    path = f"{URL}/api/v0/asks/{found.json()['offers'][0]['id']}/"
    with pytest.raises(requests.ConnectionError):
        session.put(path, json=rental())
    assert session.get(f"{URL}/api/v1/instances/", params={"limit": 5}).json()["total_instances"] == 1
    before = p.clock.now()
    with pytest.raises(requests.ReadTimeout):
        session.get(f"{URL}/api/v0/users/current", timeout=(5, 30))
    assert p.clock.now() - before == 30
    assert session.get(f"{URL}/api/v0/users/current", timeout=60).json()["credit"] <= 100


def test_a_call_takes_less_than_a_millisecond() -> None:
    p = Practice(apart=300)
    id_ = p.rent()["new_contract"]
    calls = [("GET", f"/api/v0/instances/{id_}/"), ("GET", "/api/v1/instances/"), ("DELETE", "/api/v0/instances/5/")]
    best = []
    for method, path in calls:
        times = []
        for _ in range(5):
            begun = time.process_time()
            for _ in range(50):
                p.call(method, path)
            times.append((time.process_time() - begun) / 50)
        best.append(min(times))
    assert max(best) < 0.001, best
