"""Cases are files: a swarm and a snapshot in, a plan out; and the law of `up` for every one of them."""

import json
import os
from pathlib import Path

import pytest
import yaml

from fakes import worlds
from swarmctl.core.reconcile import reconcile, release
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.specfile import Override, load
from swarmctl.effects.specs import fetchable

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
CASES = sorted(p.parent for p in (TESTS / "golden").glob("*/observed.yml"))
WRITE = os.environ.get("SWARMCTL_GOLDEN") == "write"


def spec_of(case: Path) -> SwarmSpec:
    """The case's own swarm.yml, or the ready-made one that its first line names (`swarm: demo`), with its flags."""
    own = yaml.safe_load((case / "swarm.yml").read_text())
    if set(own) - {"swarm", "flags"}:
        spec = load((case / "swarm.yml").read_bytes(), source="swarm.yml").spec
    else:
        overrides = [Override(tuple(path.split(".")), value, "--set") for path, value in own.get("flags", {}).items()]
        file = ROOT / "inventory" / "swarms" / f"{own['swarm']}.yml"
        spec = load(file.read_bytes(), source=file.name, overrides=overrides).spec
    return fetchable(spec, Path("/"))


@pytest.fixture(params=CASES, ids=lambda p: p.name)
def case(request: pytest.FixtureRequest) -> Path:
    return request.param


def test_the_plan_is_the_golden_one(case: Path) -> None:
    spec = spec_of(case)
    plan = reconcile(spec, worlds.snapshot(case / "observed.yml", spec))
    text = plan.text() if not plan.refusals else ""
    text += "".join(f"refused: {line}\n" for line in plan.refusals)
    text += "".join(f"note: {line}\n" for line in plan.warnings if not line.startswith("isolation"))
    text += f"needs {plan.needed:.0f} of {plan.ram_free} MiB: "
    text += (
        ", ".join(f"{row.service} {row.total:.0f}" if row.known else f"{row.service} ?" for row in plan.memory) + "\n"
    )
    golden = case / "plan.txt"
    if WRITE:
        golden.write_text(text)
    assert golden.read_text() == text, "make golden, then review the diff"
    json.dumps(plan.as_json())
    assert all(0 < row.expected <= row.total for row in plan.memory if row.known), "both figures of every process"


def test_the_law_of_up(case: Path) -> None:
    """Planning changes nothing; after `up` there is nothing to do; after `down` nothing is left."""
    spec = spec_of(case)
    observed = worlds.snapshot(case / "observed.yml", spec)
    plan = reconcile(spec, observed)
    assert reconcile(spec, observed) == plan, "planning twice gives one plan"
    if plan.refusals:
        assert plan.is_empty
        return
    after = worlds.carried_out(plan, spec, observed)
    again = reconcile(spec, after)
    assert again.is_empty, again.text()
    assert again.ports == plan.ports
    gone = release(spec.name, after)
    left = worlds.carried_out(gone, spec, after)
    assert (left.services, left.strays, left.supervisor, left.prepared) == ((), (), None, False)
    assert release(spec.name, left).is_empty
