"""A repository from its name to a result: fetched, shown to the tools as one folder, and its space given back."""

from pathlib import Path

import pytest

from effects.converting.test_hub_repositories import hub
from effects.converting.test_run import Bench
from fakes.modelhub import ModelHub
from swarmctl.core.converting.budget import Budget
from swarmctl.core.converting.graph import graph
from swarmctl.core.converting.request import Asked, Options
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.converting.finishing import Finishing
from swarmctl.effects.converting.hub import look
from swarmctl.effects.converting.orders import Places
from swarmctl.effects.converting.run import Run
from swarmctl.effects.converting.tools import OnThisMachine

__all__ = ["hub"]

ASKED = Asked("hub", "me/Coder", "coder", "main")


def _run(bench: Bench, quants: tuple[str, ...]) -> Run:
    seen = look(ASKED, quants, trust=False)
    made = graph([seen.source], Options(), "t", certify=False)
    places = Places(bench.results.work(), OnThisMachine("convert", "t", "python3"), {}, {made.groups[0].key: seen})
    finishing = Finishing(places, bench.store, bench.results, "t")
    run = Run(made, Budget(None, 8000, 2), places, bench.shop, finishing, SystemClock(), bench._tell)  # type: ignore[arg-type]
    run.walk()
    return run


def test_a_repository_is_fetched_converted_and_known_by_the_key_of_a_swarm_file(hub: ModelHub, tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    run = _run(bench, ("Q4_K_M",))
    assert not run.failures
    (source,) = (argv[1] for argv in bench.shop.orders if "--outfile" in argv)
    assert source.endswith("/Coder")
    assert bench.store.held("hf:me/Coder@main#Q4_K_M") is not None
    assert bench.left() == []


def test_a_ready_file_is_fetched_and_no_tool_is_asked(hub: ModelHub, tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    hub.repositories["me/Coder"]["coder-q4_k_m.gguf"] = bench.whole.read_bytes()
    run = _run(bench, ("Q4_K_M",))
    assert not run.failures
    assert bench.shop.orders == []
    assert run.results[0].bytes == bench.whole.stat().st_size
    assert bench.left() == []


def test_a_repository_that_cannot_be_fetched_now_leaves_what_came(
    hub: ModelHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = Bench(tmp_path)
    hub.wrong.add("model.safetensors")
    run = _run(bench, ("Q4_K_M",))
    assert "damaged" in run.failures[0].message
    assert not run.results
    hub.wrong.clear()
    assert not _run(bench, ("Q4_K_M",)).failures
