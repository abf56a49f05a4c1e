"""The market as a process: one line of JSON, HTTP on loopback, resets, kills, and a clean end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from urllib.error import HTTPError

import pytest
import requests

from fakes.practice import ROOT, process, rental


def _offer(url: str) -> int:
    query = {"gpu_name": {"eq": "RTX 4090"}, "num_gpus": {"eq": "1"}, "disk_space": {"gt": 60}, "limit": 1}
    return int(requests.post(f"{url}/api/v0/bundles/", json=query, timeout=10).json()["offers"][0]["id"])


@pytest.mark.slow
def test_it_tells_where_it_is_and_ends_cleanly() -> None:
    with process("--limits", "off") as market:
        assert set(market.told) == {"url", "key", "control_key"}
        assert market.url.startswith("http://127.0.0.1:")
        got = requests.get(
            f"{market.url}/api/v0/users/current", headers={"Authorization": f"Bearer {market.told['key']}"}, timeout=10
        )
        assert got.json()["credit"] == 100
        assert got.headers["Content-Type"] == "application/json"
        assert requests.get(f"{market.url}/api/v1/instances/", timeout=10).status_code == 403
        assert requests.request("PATCH", f"{market.url}/api/v0/ssh/", timeout=10).status_code == 404
        large = requests.post(f"{market.url}/api/v0/bundles/", data=b"x" * (1 << 21), timeout=10)
        assert large.status_code == 413
        begun = time.monotonic()
        market.process.send_signal(signal.SIGTERM)
        assert market.process.wait(10) == 0
        assert time.monotonic() - begun < 3
        assert market.process.stdout
        assert market.process.stdout.read() == "", "one line, no more"


@pytest.mark.slow
def test_a_reset_is_a_reset_and_a_slow_answer_is_slow() -> None:
    with process("--limits", "off", "--faults", "reset-after-accept:once,slow-answer:on=user:seconds=0.7") as market:
        header = {"Authorization": f"Bearer {market.told['key']}"}
        with pytest.raises(requests.ConnectionError, match=r"reset|Connection aborted"):
            requests.put(f"{market.url}/api/v0/asks/{_offer(market.url)}/", json=rental(), headers=header, timeout=10)
        assert market.ask("GET", "/api/v1/instances/")["total_instances"] == 1
        begun = time.monotonic()
        market.ask("GET", "/api/v0/users/current")
        assert time.monotonic() - begun > 0.6


@pytest.mark.slow
def test_a_kill_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    words = ("--limits", "off", "--state", str(tmp_path / "state"), "--clock", "driven")
    with process(*words) as market:
        told = market.ask("PUT", f"/api/v0/asks/{_offer(market.url)}/", rental())
        market.ask("POST", "/_market/advance", {"seconds": 3600})
        books, url = market.ask("GET", "/_market/books"), market.url
        market.process.kill()
        market.process.wait()
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o600
    with process(*words) as market:
        assert market.ask("GET", "/_market/books") == books
        assert market.url == url, "who knew it finds it again"
        row = market.ask("GET", f"/api/v0/instances/{told['new_contract']}/")["instances"]
        assert row["actual_status"] == "running"


@pytest.mark.slow
def test_a_real_clock_can_be_ahead_and_stays_so(tmp_path: Path) -> None:
    words = ("--limits", "off", "--state", str(tmp_path / "state"))
    with process(*words) as market:
        market.ask("POST", "/_market/advance", {"seconds": 86_400})
    with process(*words) as market:
        assert 86_300 < market.ask("GET", "/_market/now")["now"] - time.time() < 86_500
        date = requests.get(f"{market.url}/", timeout=10).headers["Date"]
        assert date != time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime())


@pytest.mark.slow
def test_many_callers_at_once_get_one_rental_of_one_offer() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with process("--limits", "off") as market:
        id_ = _offer(market.url)

        def rent(_: int) -> int:
            try:
                market.ask("PUT", f"/api/v0/asks/{id_}/", rental())
            except HTTPError as e:
                return e.code
            return 200

        with ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(rent, range(8))) == [200] + [410] * 7
        assert len(market.ask("GET", "/_market/books")["billing"]) == 1


@pytest.mark.slow
def test_a_connection_is_kept_and_a_broken_one_hurts_nobody() -> None:
    with process() as market:
        port = int(market.url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            for _ in range(2):
                raw.sendall(b"GET /api/v0/gpu_names/unique/ HTTP/1.1\r\nHost: x\r\n\r\n")
                assert raw.recv(100).startswith(b"HTTP/1.1 200")
                while b"]" not in raw.recv(65536):
                    pass
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            raw.sendall(b"PUT /api/v0/asks/5/ HTTP/1.1\r\nContent-Length: 500\r\n\r\n{")
        with socket.create_connection(("127.0.0.1", port), timeout=10) as raw:
            raw.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        assert market.ask("GET", "/api/v1/instances/")["total_instances"] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--faults", "nonsense"), "is no fault; there are"),
        (("--assume", "x=y"), "is no assumption; there are"),
        (("--seed", "-1"), "is no whole number"),
        (("--pace", "nan"), "is no number"),
        (("--port", "70000"), "is no whole number"),
        (("--state", "/nowhere/at/all"), "No such file"),
        (("--hosts", "moon"), "invalid choice"),
    ],
)
def test_what_makes_no_sense_is_said_at_once(words: tuple[str, ...], says: str) -> None:
    env = {**os.environ, "PYTHONPATH": str(ROOT / "provisioning")}
    argv = [sys.executable, "-m", "swarmctl.market", *words]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, env=env, check=False)
    assert done.returncode in {1, 2}
    assert says in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_the_island_imports_nothing_of_ours() -> None:
    script = (
        "import sys, json, swarmctl.market.__main__\n"
        "ours = [n for n in sys.modules if n.startswith('swarmctl.')]\n"
        "print(json.dumps([n for n in ours if not n.startswith('swarmctl.market')]))\n"
        "print(json.dumps([n for n in ('requests', 'typer', 'pydantic', 'docker', 'yaml') if n in sys.modules]))"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT / "provisioning")}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=env)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [[], []]


@pytest.mark.slow
def test_calls_on_one_connection_follow_each_other_at_once() -> None:
    """Header and body are two writes: with Nagle's algorithm each answer would wait 40 ms for the caller's ACK."""
    with process("--limits", "off") as market, requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {market.told['key']}"
        took = []
        for _ in range(51):
            begun = time.monotonic()
            session.get(f"{market.url}/api/v1/instances/", timeout=10).json()
            took.append(time.monotonic() - begun)
        assert median(took) < 0.035
