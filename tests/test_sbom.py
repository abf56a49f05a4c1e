"""What is in our images is written down as CycloneDX, and agrees with the lock."""

import json
import re
from pathlib import Path

import pytest

from fakes.grounded import stands
from swarmctl import __version__
from swarmctl.core.lock import Lock
from swarmctl.effects.imaging import provide

LOCK = Path(__file__).resolve().parents[1] / "compose" / "agent" / "requirements.txt"


@pytest.mark.ground
@pytest.mark.slow
def test_the_agent_s_bill_of_materials_has_every_locked_wheel_and_debian_s_git() -> None:
    stands("engine", "bookworm")
    pytest.importorskip("cyclonedx", reason="no cyclonedx here: make sbom installs it")
    from sbom import bom, text

    reference = f"swarmctl/agent:{__version__}"
    provide(reference, lock=Lock())
    written = json.loads(text(bom(reference)))
    named = {part["purl"].partition("?")[0] for part in written["components"]}
    wheels = re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK.read_text(), re.MULTILINE)
    assert {f"pkg:pypi/{name}@{version}" for name, version in wheels} == {n for n in named if n.startswith("pkg:pypi")}
    assert any(name.startswith("pkg:deb/debian/git@") for name in named)
    assert written["metadata"]["component"]["version"] == __version__
