"""Cases are files: a swarm and a machine that is only thought of in, the forecast as people read it out."""

import io
import json
import os
from pathlib import Path

import pytest
import yaml

from core.test_golden import spec_of
from swarmctl.console import Console
from swarmctl.console.forecasts import show_forecast
from swarmctl.core.forecast import Forecast, as_json, cheapest, forecast
from swarmctl.core.hardware.box import Box
from swarmctl.core.hardware.match import box, one, unknown
from swarmctl.core.hardware.profile import HardwareProfile
from swarmctl.core.placement.demand import demand
from swarmctl.effects.hardware import profiles
from swarmctl.effects.known import known
from swarmctl.effects.specs import locate, open_spec, ready_made

TESTS = Path(__file__).resolve().parents[1]
CASES = sorted(p.parent for p in (TESTS / "golden").glob("*/box.yml"))
WRITE = os.environ.get("SWARMCTL_GOLDEN") == "write"


def machine(file: Path) -> tuple[Box, HardwareProfile | None]:
    """`gpu` as `--gpu` says it, or `gpus` as their driver does; ram in MiB, cores."""
    raw = yaml.safe_load(file.read_text())
    if "gpus" in raw:
        cards = tuple(unknown(gpu["name"], gpu["memory"]) for gpu in raw["gpus"])
        return Box(raw["gpus"][0]["name"], cards, raw["ram"], raw["cores"]), None
    profile, count = one(profiles(), raw["gpu"])
    return box(profile, count, raw.get("ram"), raw.get("cores")), profile


def answer(case: Path) -> Forecast:
    spec = spec_of(case)
    where, profile = machine(case / "box.yml")
    swapping = bool(yaml.safe_load((case / "box.yml").read_text()).get("swapping"))
    others = cheapest(profiles())
    return forecast(demand(spec, known(spec)), where, profile, allow_swapping=swapping, others=others)


@pytest.mark.parametrize("case", CASES, ids=lambda p: p.name)
def test_the_forecast_is_the_golden_one(case: Path) -> None:
    out = io.StringIO()
    found = answer(case)
    show_forecast(Console(out=out), found)
    golden = case / "forecast.txt"
    if WRITE:
        golden.write_text(out.getvalue())
    assert golden.read_text() == out.getvalue(), "make golden, then review the diff"
    assert json.dumps(as_json(found)) == json.dumps(as_json(answer(case))), "same input, same bytes out"


@pytest.mark.parametrize("case", CASES, ids=lambda p: p.name)
def test_what_is_placed_is_within_every_device(case: Path) -> None:
    found = answer(case)
    if found.placement is None:
        assert found.refusals
        return
    assert found.placement.on(None).total <= found.box.ram
    for n, card in enumerate(found.box.cards):
        parts = [p.need.gpu.total for p in found.placement.processes if p.gpu == n]
        assert found.placement.on(n).total == pytest.approx(sum(parts))
        if found.placement.swapping is None:
            assert sum(parts) <= card.usable


READY_MADE = (
    ("solo-7b", "4060"),
    ("trio", "3060"),
    ("four", "4060-ti"),
    ("seven-3b", "4060"),
    ("seven", "4090"),
    ("large-32b", "l40s"),
    ("hybrid-80b", "3090"),
)


@pytest.mark.parametrize(("swarm", "card"), READY_MADE)
def test_a_ready_made_swarm_fits_the_card_that_it_is_meant_for(swarm: str, card: str) -> None:
    spec = open_spec(locate(None, swarm)).spec
    profile, count = one(profiles(), card)
    ram = 62_000 if swarm == "hybrid-80b" else None
    found = forecast(demand(spec, known(spec)), box(profile, count, ram), profile)
    assert found.placement is not None, [refusal.text for refusal in found.refusals]
    assert not found.placement.dropped
    assert {role for process in found.placement.processes for role in process.roles} == set(spec.roles)


def test_every_ready_made_swarm_has_a_card() -> None:
    assert set(ready_made()) == {"demo", "seven-tiny", *(swarm for swarm, _ in READY_MADE)}


def test_a_team_of_fine_tunes_fits_15_gib_by_shared_base() -> None:
    found = answer(TESTS / "golden" / "on-4090-specialists-shared-base")
    assert found.placement is not None
    assert found.placement.architecture == "shared-base"
    assert found.placement.on(0).total <= 15 * 1024
