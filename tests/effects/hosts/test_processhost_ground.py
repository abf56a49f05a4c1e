"""A real host without Docker made ready from the package index that it is configured for."""

from pathlib import Path

import pytest

from fakes.grounded import stands
from fakes.hosts import Host, host
from fakes.reached import there
from swarmctl.effects import hostsettings
from swarmctl.effects.hosts.processhost import ready, seat_of
from swarmctl.effects.hosts.ssh import Line

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=70)]
CA = "/etc/host-ca.crt"
IMPORTS = "import swarmctl.supervisor.loop, swarmctl.agent.serve, swarmctl.embedded.params, sys; print(sys.executable)"


def _configured(machine: Host) -> None:
    """Its pip reaches what pip of this machine reaches."""
    bundle = hostsettings._bundle()
    if bundle is not None:
        machine.put(CA, bundle.read_bytes())
    lines = hostsettings.environment(bundle is not None).splitlines()
    told = dict(line.removeprefix("export ").split("=", 1) for line in lines if "PIP_" in line)
    rows = [f"{name.removeprefix('PIP_').lower().replace('_', '-')} = {value}" for name, value in told.items()]
    machine.put("/etc/pip.conf", "\n".join(["[global]", *([f"cert = {CA}"] if bundle else []), *rows, ""]))


def test_its_own_index_is_enough_and_a_second_time_nothing_is_brought(tmp_path: Path) -> None:
    stands("engine", "host-container")
    said: list[str] = []
    with host("container") as machine:
        _configured(machine)
        with Line(there(machine, tmp_path / "ssh"), tmp_path / "line") as line:
            seat = ready(line, said.append, cache=tmp_path / "cache")
            assert any("from the index that it has" in one for one in said), said
            assert not any("are sent" in one for one in said), said
            assert not (tmp_path / "cache").exists(), "nothing was fetched here"
            assert line.run([seat.python, "-P", "-c", IMPORTS], seconds=60).stdout.strip() == seat.python
            said.clear()
            assert ready(line, said.append, cache=tmp_path / "cache") == seat == seat_of(line)
            assert said == []
