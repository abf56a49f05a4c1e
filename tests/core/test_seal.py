"""The judges of the seal: green where all walls stand, red at each that does not, unknown where nobody saw."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fakes.sights import ID, IMAGE, LINES, agent, around, network
from swarmctl.core.seal import Finding, Row, Seal, row
from swarmctl.core.sealjudge import LATER, judge
from swarmctl.core.sealroads import bridge
from swarmctl.core.sealsight import Around, ImageSeen, Listener, Seen, sight


def verdicts(seen: Seen, what: Around) -> dict[str, str]:
    return {row.name: row.verdict for row in judge([seen], what) if row.verdict != "not yet"}


def failed(seen: Seen, what: Around | None = None) -> set[str]:
    return {name for name, verdict in verdicts(seen, what or around()).items() if verdict == "fail"}


def evidence(name: str, seen: Seen, what: Around | None = None) -> str:
    return next(row.evidence for row in judge([seen], what or around()) if row.name == name)


def test_all_walls_stand() -> None:
    assert set(verdicts(agent(), around()).values()) == {"pass"}


def test_rows_of_the_gateway_are_in_their_places() -> None:
    rows = judge([agent()], around())
    assert [row.number for row in rows if row.verdict == "not yet"] == sorted(LATER)
    numbers = [row.number for row in rows if row.number is not None]
    assert numbers == sorted(numbers)
    assert set(numbers) == set(range(1, 17))


@pytest.mark.parametrize(
    ("name", "was", "now"),
    [
        ("root is read-only", "write\t/var/tmp\tEROFS", "write\t/var/tmp\tdone"),
        ("root is read-only", "overlay ro,relatime", "overlay rw,relatime"),
        ("root is read-only", "write\t/tmp\tdone", "write\t/tmp\tENOSPC"),
        ("no capabilities", "CapBnd\t0000000000000000", "CapBnd\t0000000000002000"),
        ("no capabilities", "10002\tEPERM", "10002\tdone"),
        ("no privilege can be gained", "NoNewPrivs\t1", "NoNewPrivs\t0"),
        ("no privilege can be gained", "Seccomp\t2", "Seccomp\t0"),
        ("no privilege can be gained", "su\t10001 10001 10001 10001", "su\t10001 0 0 0"),
        ("no privilege can be gained", "namespace\tEPERM", "namespace\tdone"),
        ("nobody is root", "Gid\t10001 10001 10001 10001", "Gid\t10001 0 0 0"),
        ("nobody is root", "docker-init\t10001 10001 10001 10001", "docker-init\t0 0 0 0"),
        ("nobody is root", "Groups\t10001", "Groups\t10001 998"),
        ("limits are in force", "pids.max\t256", "pids.max\tmax"),
        ("limits are in force", "memory.max\t671088640", "memory.max\tmax"),
        ("limits are in force", "swap.max\t0", "swap.max\tmax"),
        ("limits are in force", "refused: can't start new thread after 251", "never refused after 600"),
        ("nothing of the host is mounted", "mount\t/data\t", "mount\t/etc/ssh\t"),
        ("no Docker socket", "end\t\t", "unix\t/run/docker.sock\tdone\nend\t\t"),
        ("secrets are files", "0600 uid", "0640 uid"),
        ("secrets are files", "ext4 ro,relatime /srv/secrets", "ext4 rw,relatime /srv/secrets"),
        ("secrets are files", "end\t\t", "leak\t/etc/swarmctl/agent.json\tagents.token\nend\t\t"),
        ("wheels by hash", "wheel\th11\t0.16.0", "wheel\th11\t0.15.9"),
        ("wheels by hash", "end\t\t", "stray\tlitellm_init.pth\tof no wheel\nend\t\t"),
        ("wheels by hash", "end\t\t", "changed\th11/_state.py\tnot as its wheel has it\nend\t\t"),
        ("no way out by DNS", "SERVFAIL", "NXDOMAIN"),
        ("no way out by DNS", "nameserver 127.0.0.11", "nameserver 10.0.0.2"),
        ("no way out by HTTP", "http://1.1.1.1/\tENETUNREACH", "http://1.1.1.1/\treached: 403"),
        ("no way out by HTTP", "end\t\t", "proxy\thttps_proxy\tset\nend\t\t"),
        ("no way out by TCP, UDP, ICMP", "1.1.1.1:443\tENETUNREACH", "1.1.1.1:443\tECONNREFUSED"),
        ("no way out by TCP, UDP, ICMP", "icmp\t1.1.1.1\tENETUNREACH", "icmp\t1.1.1.1\treached"),
        ("no raw sockets", "raw ICMP\tEPERM", "raw ICMP\tdone"),
        ("no metadata address", "169.254.169.254:80\tENETUNREACH", "169.254.169.254:80\treached"),
        ("other swarms are closed", "172.30.0.2:8080\ttimeout", "172.30.0.2:8080\treached"),
        ("the host's services are closed", "172.19.0.1:40000\ttimeout", "172.19.0.1:40000\treached"),
        ("no secret in /proc", "end\t\t", "leak\t/proc/7/environ\tagents.token\nend\t\t"),
    ],
)
def test_what_a_probe_saw(name: str, was: str, now: str) -> None:
    assert failed(agent(was, now)) == {name}


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("root is read-only", {"ReadonlyRootfs": False}),
        ("no capabilities", {"Privileged": True}),
        ("no capabilities", {"CapAdd": ["SYS_ADMIN"]}),
        ("limits are in force", {"PidsLimit": 0}),
        ("limits are in force", {"PidsLimit": None}),
        ("limits are in force", {"LogConfig": {"Config": {}}}),
        ("nothing of the host is mounted", {"PidMode": "host"}),
        ("nothing of the host is mounted", {"IpcMode": "container:abc"}),
        ("nothing of the host is mounted", {"SecurityOpt": ["seccomp=unconfined"]}),
        ("no way out by DNS", {"Dns": ["8.8.8.8"]}),
        ("no way out by DNS", {"Dns": []}),
    ],
)
def test_what_docker_says(name: str, host: dict[str, object]) -> None:
    assert failed(agent(**host)) == {name}


def test_what_is_around() -> None:
    one, ways = agent(), {"no way out by HTTP", "no way out by TCP, UDP, ICMP", "no metadata address"}
    assert failed(replace(one, networks=(network(Internal=False),))) == ways
    assert failed(replace(one, networks=(network(Strangers=["x-1"]),))) == {"other swarms are closed"}
    assert failed(replace(one, networks=(network(Labels={}),))) == {"other swarms are closed"}
    heard = around(listener=Listener(("172.19.0.1:40000",), frozenset(("172.19.0.4",))))
    assert failed(one, heard) == {"the host's services are closed"}
    for place, name in (("inspect", "docker inspect"), ("log", "logs")):
        assert failed(one, around(leaks=(("agent-backend", place, "engine.key"),))) == {f"no secret in {name}"}
        assert failed(one, around(leaks=(("agent-docs", place, "engine.key"),))) == set()
    assert failed(one, around(leaks=(("", "files: cpu.yml", "engine.key"),))) == {"secrets are files"}
    leaky = ImageSeen("swarmctl/agent:0.1.0", frozenset((IMAGE,)), leaks=("agents.token in layer 1",))
    assert failed(one, around(images={ID: leaky})) == {"no secret in image layers"}
    assert failed(one, around(hashed=False)) == {"wheels by hash"}
    assert failed(one, around(locked={"h11": "0.16.0", "httpx": "1"})) == {"wheels by hash"}


def test_a_user_that_the_image_alone_decides_is_a_hole() -> None:
    one = agent()
    one.inspect["Config"]["User"] = ""
    assert failed(one) == {"nobody is root"}


def test_a_container_on_no_network_that_docker_describes() -> None:
    ways = {"no way out by HTTP", "no way out by TCP, UDP, ICMP", "no metadata address"}
    assert failed(replace(agent(NetworkMode="host"), networks=())) == {*ways, "nothing of the host is mounted"}
    assert failed(replace(agent(NetworkMode="none"), networks=())) == set()


def test_the_forwarder_may_have_a_network_that_is_not_masqueraded() -> None:
    masquerade = "com.docker.network.bridge.enable_ip_masquerade"
    door = network(Name="door", Internal=False, Options={masquerade: "false"})
    assert failed(replace(agent(service="forwarder-cpu"), networks=(network(), door))) == set()
    assert "no way out by HTTP" in failed(replace(agent(), networks=(network(), door)))
    open_door = network(Name="door", Internal=False, Options={})
    assert "no way out by HTTP" in failed(replace(agent(service="forwarder-cpu"), networks=(network(), open_door)))


def test_the_host_is_reached_by_the_forwarder_through_its_own_network_and_that_is_said() -> None:
    one = agent("172.19.0.1:40000\ttimeout", "172.19.0.1:40000\treached", service="forwarder-cpu")
    assert verdicts(one, around())["the host's services are closed"] == "unknown"


@pytest.mark.parametrize(
    ("locked", "digests", "verdict"),
    [
        ("sha256:b", ("sha256:b", IMAGE), "pass"),
        (IMAGE, (IMAGE,), "pass"),
        ("sha256:0", ("sha256:b", IMAGE), "fail"),
        ("", (IMAGE,), "pass"),
    ],
)
def test_images_are_those_of_the_lock(locked: str, digests: tuple[str, ...], verdict: str) -> None:
    image = ImageSeen("ollama/ollama:0.32.15", frozenset(digests), locked)
    assert verdicts(agent(), around(images={ID: image}))["images by digest"] == verdict


@pytest.mark.parametrize("reference", ["ollama/ollama", "ollama/ollama:latest", "127.0.0.1:5000/x", ""])
def test_an_image_without_a_version_is_a_hole(reference: str) -> None:
    image = ImageSeen(reference, frozenset((IMAGE,)))
    assert verdicts(agent(), around(images={ID: image}))["images by digest"] == "fail"


def test_layers_left_unread_prove_nothing_of_an_image_that_was_built_here() -> None:
    for digests, verdict in (((IMAGE,), "unknown"), ((IMAGE, "sha256:b"), "pass")):
        image = ImageSeen("x/y:1", frozenset(digests), trouble="its layers, 3.1 GB, are left unread")
        assert verdicts(agent(), around(images={ID: image}))["no secret in image layers"] == verdict


def test_silence_proves_nothing_where_not_even_a_neighbour_answers() -> None:
    one = agent("172.19.0.5:8080\treached", "172.19.0.5:8080\ttimeout")
    unknown = {name for name, verdict in verdicts(one, around()).items() if verdict == "unknown"}
    assert unknown == {
        "no way out by DNS", "no way out by HTTP", "no way out by TCP, UDP, ICMP", "no metadata address",
        "other swarms are closed", "the host's services are closed",
    }  # fmt: skip
    assert "not even a neighbour" in evidence("no way out by DNS", one)


def test_a_listener_that_nobody_can_reach_proves_nothing() -> None:
    deaf = around(listener=Listener(("172.19.0.1:40000",), trouble="the containers are on another machine"))
    assert verdicts(agent(), deaf)["the host's services are closed"] == "unknown"


def test_a_socket_to_the_machine_beneath_is_said_and_no_failure() -> None:
    one = agent("vsock\tEPERM", "vsock\tdone")
    assert verdicts(one, around())["no socket to the machine beneath"] == "unknown"
    assert failed(one) == set()


@pytest.mark.parametrize("text", ["", "end\t\t", "x", "\t\t", "mount\t/\t\nend\t\t", "\x00" * 9])
def test_a_probe_that_says_nothing_or_nonsense_never_passes(text: str) -> None:
    found = verdicts(replace(agent(), sight=sight(text)), around())
    inside = {"no way out by DNS", "nobody is root", "root is read-only", "no metadata address"}
    assert not any(found[name] == "pass" for name in inside), found
    assert found["no capabilities"] == "unknown"


@pytest.mark.parametrize("raw", [{}, {"HostConfig": None, "Config": 3}, {"HostConfig": {"PidsLimit": "x", "Dns": 5}}])
def test_an_inspection_that_is_nonsense_is_no_traceback(raw: dict[str, object]) -> None:
    found = verdicts(Seen("agent-x", raw, sight(LINES)), around())
    assert found["limits are in force"] != "pass"
    assert found["no way out by DNS"] != "pass"


def test_a_part_of_the_probe_that_broke_hides_nothing() -> None:
    one = agent("end\t\t", "broken\tgains\tOSError: no\nend\t\t")
    assert "pass" not in {verdicts(one, around())[name] for name in ("no privilege can be gained", "nobody is root")}


def test_a_container_that_does_not_run() -> None:
    one = replace(agent(), sight=sight(""), trouble="it does not run: exited")
    found = verdicts(one, around())
    assert found["nobody is root"] == "unknown"
    assert "exited" in evidence("nobody is root", one)


def test_a_row_is_as_its_worst_service() -> None:
    good, bad, blind = Finding("a", "pass", "x"), Finding("b", "fail", "y"), Finding("c", "unknown", "z")
    assert row(4, "n", [good, blind, bad]).verdict == "fail"
    assert row(4, "n", [good, bad]).evidence == "b: y"
    assert row(4, "n", [good, blind]).verdict == "unknown"
    assert row(4, "n", [good, Finding("d", "pass", "x")]).evidence == "a: x; and 1 more alike"
    assert row(4, "n", []).verdict == "unknown"
    assert len(row(4, "n", [Finding("b", "fail", "y" * 9999)]).evidence) == 400


def test_the_seal_as_a_whole() -> None:
    rows = (Row(4, "root is read-only", "pass", "e"), Row(5, "no capabilities", "fail", "b: CapEff 1"))
    found = Seal("demo", datetime(2026, 11, 21, tzinfo=UTC), 12.345, (*rows, Row(1, "x", "not yet", "")))
    assert not found.passed
    assert found.summary == "1 of 2 walls have a hole, 1 come with the gateway"
    assert found.failures() == "no capabilities: b: CapEff 1"
    said = found.as_json()
    assert said["schema"] == "swarmctl/seal/v1"
    assert said["passed"] is False
    assert said["rows"][1]["verdict"] == "fail"
    assert replace(found, rows=rows[:1]).summary == "1 walls stand"


def test_the_bridge_of_a_network() -> None:
    assert bridge({"Id": "0123456789abcdef"}) == "br-0123456789ab"
    assert bridge({"Id": "0", "Options": {"com.docker.network.bridge.name": "mine"}}) == "mine"
