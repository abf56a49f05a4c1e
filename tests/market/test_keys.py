"""Who may do what: no key, a wrong one, a scoped one, an instance's own; SSH keys."""

import json

import pytest

from fakes.practice import KEY, KVM, Practice, rental

CALLS = [
    ("GET", "/api/v1/instances/", None),
    ("GET", "/api/v0/instances/5/", None),
    ("DELETE", "/api/v0/instances/5/", {}),
    ("PUT", "/api/v0/instances/5/", {"label": "x"}),
    ("PUT", "/api/v0/asks/10000000/", rental()),
    ("GET", "/api/v0/users/current", None),
    ("GET", "/api/v0/charges/", None),
    ("POST", "/api/v0/ssh/", {"ssh_key": KEY}),
]


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
def test_a_wrong_key_is_a_404_and_no_key_a_403(method: str, path: str, body: object) -> None:
    p = Practice()
    told = p.refused(404, method, path, body, key="wrong")
    assert told == {"success": False, "error": "auth_error", "msg": "Invalid user key"}
    assert p.refused(403, method, path, body, key="")["error"] == "auth_error"


def test_a_key_may_come_in_the_query_and_is_not_logged() -> None:
    p = Practice()
    assert p.call("GET", "/api/v1/instances/", query={"api_key": p.market.key}, key="").status == 200
    p.refused(404, "GET", "/api/v1/instances/", query={"api_key": "wrong"}, key="")
    assert p.market.key not in json.dumps(p.market.events())


def test_a_wrong_key_may_also_be_a_401() -> None:
    assert Practice(assume={"bad-key-status": "401"}).refused(401, "GET", "/api/v1/instances/", key="wrong")


def test_an_instances_own_key_starts_stops_and_destroys_it_and_nothing_else() -> None:
    p = Practice()
    mine, other = p.rent(), p.rent(p.offer(num_gpus={"eq": 2}))
    id_, key = mine["new_contract"], mine["instance_api_key"]
    p.runs(id_)
    assert p.call("PUT", f"/api/v0/instances/{id_}/", {"state": "stopped"}, key=key).status == 200
    assert p.call("PUT", f"/api/v0/instances/{id_}/", {"state": "running"}, key=key).status == 200
    for method, path, body in [
        ("PUT", f"/api/v0/instances/{id_}/", {"label": "x"}),
        ("PUT", f"/api/v0/instances/{id_}/", {"state": "stopped", "label": "x"}),
        ("GET", f"/api/v0/instances/{id_}/", None),
        ("PUT", f"/api/v0/instances/reboot/{id_}/", {}),
        ("DELETE", f"/api/v0/instances/{other['new_contract']}/", {}),
        ("PUT", f"/api/v0/instances/{other['new_contract']}/", {"state": "stopped"}),
        ("DELETE", "/api/v0/instances/", {"instance_ids": [id_]}),
        ("GET", "/api/v1/instances/", None),
        ("GET", "/api/v0/users/current/", None),
        ("PUT", f"/api/v0/asks/{p.offer()['id']}/", rental()),
        ("POST", "/api/v0/auth/apikeys/", {"name": "x"}),
    ]:
        assert p.refused(403, method, path, body, key=key)["error"] == "not_authorized", (method, path)
    assert p.call("DELETE", f"/api/v0/instances/{id_}/", {}, key=key).status == 200
    assert p.show(id_) is None
    assert p.show(other["new_contract"]) is not None


def test_the_other_answers_about_an_instances_own_key_can_be_had() -> None:
    p = Practice(assume={"instance-key-destroys": "no", "instance-key-shows": "yes"})
    told = p.rent()
    id_, key = told["new_contract"], told["instance_api_key"]
    p.refused(403, "DELETE", f"/api/v0/instances/{id_}/", {}, key=key)
    assert p.call("GET", f"/api/v0/instances/{id_}/", key=key).json()["instances"]["id"] == id_


def test_a_scoped_key_may_do_what_its_groups_allow() -> None:
    p = Practice()
    groups = {"api": {"misc": {}, "instance_read": {}}}
    told = p.ok("POST", "/api/v0/auth/apikeys/", {"name": "reader", "permissions": groups})
    key = told["key"]
    assert p.call("GET", "/api/v1/instances/", key=key).status == 200
    assert p.refused(403, "PUT", f"/api/v0/asks/{p.offer()['id']}/", rental(), key=key)["error"] == "not_authorized"
    p.refused(403, "GET", "/api/v0/users/current/", key=key)
    shown = p.ok("GET", "/api/v0/auth/apikeys/")["apikeys"]
    assert [(one["name"], one["permissions"]) for one in shown] == [("account", False), ("reader", groups)]
    assert key not in json.dumps(shown)
    p.ok("DELETE", f"/api/v0/auth/apikeys/{told['id']}/")
    p.refused(404, "GET", "/api/v1/instances/", key=key)


@pytest.mark.parametrize("permissions", [{}, [], {"api": []}, {"api": {"everything": {}}}, {"api": {"misc": {"a": 1}}}])
def test_permissions_that_are_none_are_refused(permissions: object) -> None:
    body = {"name": "x", "permissions": permissions}
    assert Practice().refused(400, "POST", "/api/v0/auth/apikeys/", body)["error"] == "invalid_permissions"


def test_ssh_keys_come_and_go_and_reach_containers_but_never_vms() -> None:
    p = Practice()
    first = p.ok("POST", "/api/v0/ssh/", {"ssh_key": KEY})["key"]
    assert p.ok("GET", "/api/v0/ssh/")[0]["key"] == KEY == p.ok("GET", "/api/v0/ssh/")[0]["public_key"]
    vm, container = (
        p.rent(image=KVM, runtype="ssh")["new_contract"],
        p.rent(p.offer(num_gpus={"eq": 2}))["new_contract"],
    )
    other = KEY.replace("Es0", "Es1")
    p.ok("POST", "/api/v0/ssh/", {"ssh_key": other})
    told = p.ok("GET", f"/api/v0/instances/{container}/ssh/")
    assert [one["public_key"] for one in json.loads(told["ssh_keys"])] == [KEY, other]
    assert [one["public_key"] for one in json.loads(p.ok("GET", f"/api/v0/instances/{vm}/ssh/")["ssh_keys"])] == [KEY]
    p.refused(400, "POST", f"/api/v0/instances/{vm}/ssh/", {"ssh_key": other})
    p.ok("DELETE", f"/api/v0/instances/{container}/ssh/{first['id']}/")
    assert p.market.world.contracts[container].ssh_keys == [other]
    p.ok("POST", f"/api/v0/instances/{container}/ssh/", {"ssh_key": KEY})
    assert p.market.world.contracts[container].ssh_keys == [other, KEY]
    p.ok("PUT", f"/api/v0/ssh/{first['id']}/", {"id": first["id"], "ssh_key": KEY + "2"})
    p.ok("DELETE", f"/api/v0/ssh/{first['id']}/")
    assert [one["key"] for one in p.ok("GET", "/api/v0/ssh/")] == [other]
    p.refused(404, "DELETE", f"/api/v0/ssh/{first['id']}/")


@pytest.mark.parametrize("text", ["", None, "no key", "ssh-ed25519", "ssh-ed25519 AAAA\nssh-rsa BBBB", 5, "x" * 20000])
def test_a_text_that_is_no_public_key_is_refused(text: object) -> None:
    assert Practice().refused(400, "POST", "/api/v0/ssh/", {"ssh_key": text})["error"] == "no_ssh_key"


def test_the_control_surface_takes_its_own_key_only() -> None:
    p = Practice()
    for key in (p.market.key, "", "wrong", "w\u00f6rng"):
        p.refused(403, "GET", "/_market/books", key=key)
    assert p.control("GET", "books")["contracts"] == []
    p.refused(404, "GET", "/_market/nothing", key=p.market.control_key)
