"""The guard on a real host: its timer fires, it ends the work and the machine by the scoped key, which nobody sees."""

import json
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import pytest

from fakes import marketdouble
from fakes.grounded import stands
from fakes.guarding import GUARD
from fakes.hosts import Host, host
from fakes.playing import needs_ansible, run
from fakes.reached import there
from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.effects.hosts.guarding import rearm, terms_of
from swarmctl.effects.hosts.ssh import Line
from swarmctl.errors import DeployError

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=150)]

SMALL = "debian:bookworm-slim"
PORT = 8088


@pytest.fixture(autouse=True)
def ground() -> None:
    needs_ansible()
    stands("engine", "bookworm", "host-vm")


def settings(key: str = "scoped-key", **more: Any) -> dict[str, Any]:
    now = int(time.time())
    given = {
        "guard_instance": "7", "guard_url": f"http://127.0.0.1:{PORT}", "guard_key": key, "guard_since": now,
        "guard_deadline": now + 3600, "guard_price_micro": 500_000, "guard_budget_micro": 10_000_000,
        "guard_every": "2s",
    }  # fmt: skip
    return {**given, **more}


def market(machine: Host, refusals: int = 0) -> None:
    machine.put("/root/market.py", Path(marketdouble.__file__).read_text())
    words = ["python3", "/root/market.py", str(PORT), "/root/asked", str(refusals)]
    machine.ssh(["systemd-run", "-q", "--unit", "market", *words])


def asked(machine: Host) -> list[list[str]]:
    done = machine.tries(["cat", "/root/asked"]).stdout.decode()
    return [json.loads(line) for line in done.splitlines()]


def test_a_machine_ends_at_its_deadline_and_the_market_is_asked_until_it_answers(tmp_path: Path) -> None:
    with host("vm", images=[SMALL]) as machine:
        market(machine, refusals=1)
        machine.docker(["run", "-d", "--name", "ours", "--label", "swarmctl.swarm=demo", SMALL, "sleep", "900"])
        machine.docker(["run", "-d", "--name", "theirs", SMALL, "sleep", "900"])
        given = settings(guard_at_end="destroy")
        assert run(machine, "prepare", tmp_path, **given).changed["slot-0"] > 0
        assert run(machine, "prepare", tmp_path, **given).changed == {"slot-0": 0}
        assert machine.ssh(["stat", "-c", "%a %U", "/etc/swarmctl/guard.key", "/etc/swarmctl/guard.json"]).split() == [
            "600", "root", "600", "root",
        ]  # fmt: skip
        known = json.loads(machine.ssh(["/usr/local/lib/swarmctl/guard", "show"]))
        assert (known["ends"], known["why"]) == (given["guard_deadline"] - GUARD.MARGIN, "ttl")
        assert known["spent"] > 0
        assert [one for one in asked(machine) if one[0] == "DELETE"] == []

        soon = int(time.time()) + GUARD.MARGIN + 5
        run(machine, "prepare", tmp_path, **{**given, "guard_deadline": soon})
        until = [["DELETE", "/api/v0/instances/7/", "scoped"]] * 2

        def twice() -> bool:
            return [one for one in asked(machine) if one[0] == "DELETE"][:2] == until

        wait_until(twice, clock=SystemClock(), deadline=60, every=1, what="two DELETEs")
        running = machine.docker(["ps", "--format", "{{.Names}}"]).split()
        assert running == ["theirs"]
        assert {key for _, _, key in asked(machine)} == {"scoped"}
        told = machine.ssh(["journalctl", "-u", "swarmctl-guard", "--no-pager"])
        assert "ttl: the end begins" in told
        assert "scoped-key" not in told
        assert machine.ssh(["systemctl", "--failed", "--no-legend"]) == ""


def test_it_survives_a_reboot_and_an_idle_machine_ends(tmp_path: Path) -> None:
    with host("vm") as machine:
        run(machine, "prepare", tmp_path, **settings(guard_idle_seconds=5, guard_checks_key=False))
        machine.reboot()
        market(machine)

        def destroyed() -> bool:
            return ["DELETE", "/api/v0/instances/7/", "scoped"] in asked(machine)

        wait_until(destroyed, clock=SystemClock(), deadline=60, every=1, what="a DELETE")


def test_a_key_that_may_do_more_is_refused(tmp_path: Path) -> None:
    with host("vm") as machine:
        market(machine)
        with pytest.raises(DeployError, match="guard_key can read the account"):
            run(machine, "prepare", tmp_path, **settings(key="account-key"))
        assert machine.tries(["systemctl", "is-active", "swarmctl-guard.timer"]).stdout.strip() != b"active"


def test_the_key_is_in_no_argument_environment_or_log(tmp_path: Path) -> None:
    seen: list[str] = []
    canary = "canary-0123456789"

    class Look(list[str]):
        def append(self, line: str) -> None:
            for process in psutil.process_iter():
                try:
                    seen.append(" ".join([*process.cmdline(), *map(str, process.environ().items())]))
                except psutil.Error:
                    continue
            super().append(line)

    said = Look()
    with host("vm") as machine:
        run(machine, "prepare", tmp_path, said=said, **settings(key=canary))
        assert machine.ssh(["cat", "/etc/swarmctl/guard.key"]).strip() == canary
        assert canary not in machine.ssh(["journalctl", "--no-pager"])
    kept = [path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file()]
    assert any("swarmctl-" in line for line in seen)
    assert len(kept) > 2
    assert not [text for text in [*seen, *kept, *said] if canary in text]


def test_settings_that_make_no_sense_are_refused_before_they_reach_the_host(tmp_path: Path) -> None:
    with host("vm") as machine:
        for wrong in ({"guard_deadline": 5}, {"guard_at_end": "keep"}, {"guard_instance": "7; rm -rf /"}):
            with pytest.raises(DeployError, match="guard"):
                run(machine, "prepare", tmp_path, **settings(**wrong))
        assert machine.tries(["test", "-e", "/etc/swarmctl/guard.key"]).returncode == 1


def test_work_there_keeps_it_and_other_terms_reach_it_by_ssh(tmp_path: Path) -> None:
    mark = "/var/lib/swarmctl/swarms/demo/data/agent-coder/activity"
    with host("vm") as machine:
        market(machine)
        given = settings(guard_idle_seconds=15, guard_at_end="destroy", guard_checks_key=False)
        run(machine, "prepare", tmp_path, **given)
        machine.ssh(["mkdir", "-p", str(Path(mark).parent)])
        begun = time.monotonic()
        while time.monotonic() < begun + 30:
            machine.ssh(["touch", mark])
            time.sleep(1)  # work goes on
        assert [one for one in asked(machine) if one[0] == "DELETE"] == []

        with Line(there(machine, tmp_path), tmp_path) as line:
            held = terms_of(line)
            assert held is not None
            assert held.variables().items() <= {**held.variables(), **given}.items()
            later = replace(held.later(given["guard_deadline"] + 3600, Decimal(20)))
            later = replace(later, terms=replace(later.terms, idle=0))
            seen = rearm(line, later, SystemClock())
            assert (seen.armed, seen.why) == (later.armed, "ttl")
            more = {"guard_key": given["guard_key"], "guard_every": "2s", "guard_checks_key": False}
            assert run(machine, "prepare", tmp_path, **later.variables(), **more).changed == {"slot-0": 0}
            time.sleep(20)  # it would have been idle
            assert [one for one in asked(machine) if one[0] == "DELETE"] == []
            rearm(line, replace(later, terms=replace(later.terms, idle=3)), SystemClock())

        def destroyed() -> bool:
            return ["DELETE", "/api/v0/instances/7/", "scoped"] in asked(machine)

        wait_until(destroyed, clock=SystemClock(), deadline=60, every=1, what="a DELETE")
