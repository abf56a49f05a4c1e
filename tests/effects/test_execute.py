"""Carrying out a plan: what was not known when it was made is weighed before anything starts."""

from pathlib import Path

import pytest

from fakes import worlds
from fakes.smollm import smollm
from swarmctl.core.reconcile import reconcile
from swarmctl.core.specfile import load
from swarmctl.effects.executeprocess import ProcessJob
from swarmctl.effects.gguf import read_gguf
from swarmctl.effects.world import World
from swarmctl.errors import CapacityError

FILE = b"name: mine\nmodels: {m: {hf: some/one, file: x.gguf}}\nroles: {orchestrator: {model: m}}\n"


@pytest.mark.parametrize(("free", "fits"), [(9000, True), (300, False)])
def test_a_model_of_which_nothing_was_known_is_weighed_when_it_comes(tmp_path: Path, free: int, fits: bool) -> None:
    spec = load(FILE, source="swarm.yml").spec
    (tmp_path / "observed.yml").write_text(f"machine: {{ram_free: {free}}}\n")
    observed = worlds.snapshot(tmp_path / "observed.yml", spec)
    plan = reconcile(spec, observed)
    assert plan.refusals == ()
    job = ProcessJob(spec, plan, observed, World.here(), lambda _: None)
    key, facts = spec.models["m"].key, read_gguf(smollm())
    if fits:
        job.fits(key, facts)
        return
    with pytest.raises(CapacityError, match="too little"):
        job.fits(key, facts)
