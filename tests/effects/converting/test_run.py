"""The walk over a graph: what failed gives its space back and stops nobody, what is whole counts at once."""

import queue
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakes.ggufs import Shape, write_model
from swarmctl.core.converting.budget import Budget
from swarmctl.core.converting.graph import Graph, Prepared, graph
from swarmctl.core.converting.request import Asked, Options
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.converting.finishing import Finishing
from swarmctl.effects.converting.looking import Seen
from swarmctl.effects.converting.orders import Places
from swarmctl.effects.converting.results import Results
from swarmctl.effects.converting.run import Ended, Run
from swarmctl.effects.converting.tools import OnThisMachine
from swarmctl.effects.converting.workshop import GONE
from swarmctl.effects.store import ModelStore
from swarmctl.errors import DeployError, HealthError, HostError, SpecError, SwarmctlError

QUANTS = ("Q4_K_M", "Q8_0")


class Shop:
    """Tools that write a real GGUF file at once; `fate` says what else becomes of an order."""

    def __init__(self, whole: Path, fate: Callable[[list[str]], dict[str, Any] | None]) -> None:
        self.orders: list[list[str]] = []
        self.proof: dict[str, Any] = {}
        self._whole, self._fate = whole, fate
        self._events: queue.Queue[dict[str, Any]] = queue.Queue()

    def order(self, order: dict[str, Any]) -> None:
        if order["do"] == "stop":
            self._events.put({"id": order["id"], "ended": -9, "log": []})
            return
        if order["do"] == "module":
            self._events.put({"id": order["id"], "said": {"event": "begins"}})
            self._events.put({"id": order["id"], "said": self.proof})
            self._events.put({"id": order["id"], "ended": 0})
            return
        argv = order["argv"]
        self.orders.append(argv)
        target = Path(argv[argv.index("--outfile") + 1] if "--outfile" in argv else argv[-3])
        end = self._fate(argv)
        if end is None:
            shutil.copy(self._whole, target)
            end = {"ended": 0}
        else:
            target.write_bytes(b"half")
        self._events.put({"id": GONE, **end} if "code" in end else {"id": order["id"], "log": [], "peak": 0, **end})

    def do(self, name: str, work: Callable[[], Any]) -> None:
        try:
            self._events.put({"id": name, "ended": 0, "value": work()})
        except SwarmctlError as e:
            self._events.put({"id": name, "ended": 1, "error": e})

    def next(self, seconds: float) -> dict[str, Any] | None:
        return None if self._events.empty() else self._events.get()

    def said(self) -> str:
        return "the tools' own last words"


class Bench:
    """A store, a graph of models, and tools whose fate a test decides."""

    def __init__(self, folder: Path) -> None:
        self.store = ModelStore(folder / "models")
        self.results = Results(self.store)
        self.whole = folder / "whole.gguf"
        write_model(self.whole, Shape())
        self.ended: list[Ended] = []
        self.shop = Shop(self.whole, lambda _argv: None)
        self.proof: dict[str, Any] = {}

    def graph(self, *names: str, certified: bool = False) -> Graph:
        sizes = dict.fromkeys(QUANTS, self.whole.stat().st_size)
        made = [
            Prepared(Asked("folder", f"/m/{n}", n), f"id-{n}", 10**6, sizes, 1000, "bf16", certified=certified)
            for n in names
        ]
        keys = [self.key(one, quant) for one in made for quant in QUANTS]
        return graph(made, Options(), "t", self.results.held(keys), cores=1)

    def key(self, source: Prepared, quant: str) -> str:
        from swarmctl.core.converting.graph import result

        return result(source, quant, Options(), "t")

    def run(self, made: Graph, fate: Callable[[list[str]], dict[str, Any] | None] = lambda _argv: None) -> Run:
        self.shop = Shop(self.whole, fate)
        self.shop.proof = self.proof
        seen = {group.key: Seen(group.source) for group in made.groups}
        sources = {group.key: f"/in/{group.source.asked.name}" for group in made.groups}
        places = Places(self.results.work(), OnThisMachine("convert", "t", "python3"), sources, seen)
        finishing = Finishing(places, self.store, self.results, "t")
        shop: Any = self.shop
        run = Run(made, Budget(None, 8000, 2), places, shop, finishing, SystemClock(), self._tell)
        run.walk()
        return run

    def _tell(self, event: object) -> None:
        if isinstance(event, Ended):
            self.ended.append(event)

    def left(self) -> list[str]:
        return sorted(path.name for path in self.results.work().iterdir())


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_every_step_runs_and_nothing_unfinished_is_left(bench: Bench) -> None:
    run = bench.run(bench.graph("a", "b"))
    assert not run.failures
    assert {(one.name, one.quant) for one in run.results} == {(n, q) for n in "ab" for q in QUANTS}
    assert bench.left() == []
    assert bench.graph("a", "b").nodes == ()


def test_what_one_model_fails_at_stops_no_other_and_its_files_go(bench: Bench) -> None:
    def fate(argv: list[str]) -> dict[str, Any] | None:
        return {"ended": 1, "log": ["no such tokenizer"]} if "/in/a" in argv else None

    run = bench.run(bench.graph("a", "b"), fate)
    assert {one.name for one in run.results} == {"b"}
    assert [type(error) for error in run.failures] == [DeployError]
    assert "no such tokenizer" in run.failures[0].detail
    assert bench.left() == []


def test_a_quantiser_that_fails_takes_its_conversion_with_it_and_a_second_try_starts_over(bench: Bench) -> None:
    def fate(argv: list[str]) -> dict[str, Any] | None:
        return {"ended": 1} if argv[-2] == "Q8_0" else None

    run = bench.run(bench.graph("a"), fate)
    assert run.failures
    assert bench.left() == []
    again = bench.run(bench.graph("a"))
    assert not again.failures
    assert bench.graph("a").nodes == ()


@pytest.mark.parametrize(
    "log",
    [
        "OSError: [Errno 28] No space left on device",
        "write: Disk quota exceeded",
        "OSError: Not enough free space to write 19447808 bytes after offset 5932736",
        "OSError: 4096 requested and 12 written",
    ],
)
def test_a_full_disk_is_said(bench: Bench, log: str) -> None:
    run = bench.run(bench.graph("a"), lambda _argv: {"ended": 1, "log": [log]})
    assert isinstance(run.failures[0], HostError)
    assert "ran out of disk" in run.failures[0].message
    assert bench.left() == []


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("ggml_validate_row_data: found nan value at block 3", "no numbers"),
        ("NotImplementedError: BPE pre-tokenizer was not recognized", "does not know this tokenizer"),
    ],
)
def test_what_is_wrong_with_the_model_itself_is_said(bench: Bench, log: str, said: str) -> None:
    run = bench.run(bench.graph("a"), lambda _argv: {"ended": 1, "log": [log]})
    assert isinstance(run.failures[0], SpecError)
    assert said in run.failures[0].message


@pytest.mark.parametrize("end", [{"ended": -9}, {"ended": 1, "oom": True}, {"code": 137}])
def test_too_little_memory_is_said(bench: Bench, end: dict[str, Any]) -> None:
    run = bench.run(bench.graph("a"), lambda _argv: end)
    assert isinstance(run.failures[0], HostError)
    assert "memory" in run.failures[0].message
    assert bench.left() == []


def test_tools_that_write_half_a_file_and_say_that_they_are_done_are_not_believed(bench: Bench) -> None:
    run = bench.run(bench.graph("a"), lambda _argv: {"ended": 0})
    assert "no whole file" in run.failures[0].message
    assert not run.results
    assert bench.left() == []


_FAILED = {
    "format": 1, "seconds": 1.0,
    **{part: {"error": "could not be measured"}
       for part in ("source", "tools", "gguf", "tensors", "tokens", "template", "stop", "logits", "quants")},
}  # fmt: skip


@pytest.mark.parametrize(
    ("proof", "error"),
    [({"certificate": _FAILED}, HealthError), ({"certificate": {"format": 7}}, SpecError), ({}, DeployError)],
)
def test_what_is_not_proved_is_not_registered_and_its_space_is_given_back(
    bench: Bench, proof: dict[str, Any], error: type[SwarmctlError]
) -> None:
    bench.proof = proof
    run = bench.run(bench.graph("a", certified=True))
    assert [type(one) for one in run.failures] == [error]
    assert not run.results
    assert bench.store.all() == []
    assert bench.left() == []
    assert len(bench.graph("a", certified=True).nodes) == 6


def test_interrupted_it_goes_on_from_the_files_that_are_whole(bench: Bench) -> None:
    made = bench.graph("a")

    def fate(argv: list[str]) -> dict[str, Any] | None:
        if argv[-2] == "Q8_0":
            raise KeyboardInterrupt
        return None

    with pytest.raises(KeyboardInterrupt):
        bench.run(made, fate)
    assert bench.left()
    assert not (bench.store.root / "blobs").exists()
    bench.run(bench.graph("a"))
    assert bench.shop.orders
    assert not any("--outfile" in argv for argv in bench.shop.orders)
    assert bench.graph("a").nodes == ()


def test_a_conversion_that_nothing_needs_any_more_is_not_made_again(bench: Bench) -> None:
    made = bench.graph("a")
    for node in made.nodes:
        if node.step == "quantise":
            shutil.copy(bench.whole, bench.results.work() / f"{node.key}.gguf")
    run = bench.run(made)
    assert bench.shop.orders == []
    assert len(run.results) == len(QUANTS)


def test_a_whole_file_of_an_earlier_walk_that_is_damaged_is_made_again(bench: Bench) -> None:
    made = bench.graph("a")
    first = next(node for node in made.nodes if node.step == "convert")
    (bench.results.work() / f"{first.key}.gguf").write_bytes(bench.whole.read_bytes()[:-100])
    run = bench.run(made)
    assert not run.failures
    assert any("--outfile" in argv for argv in bench.shop.orders)


def test_a_result_whose_file_was_changed_or_removed_is_not_there(bench: Bench) -> None:
    run = bench.run(bench.graph("a"))
    blob = bench.results.blob(run.results[0].sha256)
    blob.unlink()
    assert next(node.step for node in bench.graph("a").nodes) == "convert"
