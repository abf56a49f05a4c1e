"""`convert`: look at every source, plan one graph, walk it; nothing is converted twice."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from swarmctl.commands.convertible import Wanted
from swarmctl.core.converting.budget import Budget, Schedule, check, schedule
from swarmctl.core.converting.graph import Graph, Prepared, graph
from swarmctl.core.converting.request import AUTO, Asked, Options
from swarmctl.core.converting.request import check as check_quants
from swarmctl.effects.converting import calibration
from swarmctl.effects.converting.adapted import adapted
from swarmctl.effects.converting.bench import HERE, Bench
from swarmctl.effects.converting.finishing import Finishing, held_key
from swarmctl.effects.converting.identity import Hashes
from swarmctl.effects.converting.looking import Seen, folder
from swarmctl.effects.converting.orders import TEXT, Places
from swarmctl.effects.converting.ready import file, ollama
from swarmctl.effects.converting.results import Result, Results
from swarmctl.effects.converting.run import Run, Tell
from swarmctl.effects.converting.tools import Tools
from swarmctl.effects.converting.workshop import Workshop
from swarmctl.effects.paths import private
from swarmctl.effects.world import World
from swarmctl.errors import LockedError, SpecError, SwarmctlError

_MIB = 1 << 20
_SHARE = 0.8
"""Of the free memory, and of the free disk: what conversions may take where nobody says."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. disk and memory in MiB, None for what is free. matrix: a file, `auto`, or "" for none.

    certify: results are held against the original weights before they count; only measurements do without.
    """

    matrix: str = ""
    disk: int | None = None
    memory: int | None = None
    trust: bool = False
    certify: bool = True


@dataclass(frozen=True, slots=True)
class Decided:
    """What a wish comes to. held: results that are there already, by key. seen: sources by group. wanted: all of them,
    those with the same content too.
    """

    graph: Graph
    schedule: Schedule
    budget: Budget
    seen: Mapping[str, Seen]
    held: Mapping[str, Result]
    tools: Tools
    wish: Wish
    options: Options
    wanted: tuple[Prepared, ...] = ()
    bench: Bench = HERE

    @property
    def is_empty(self) -> bool:
        """Everything is there."""
        return not self.graph.nodes


@dataclass(frozen=True, slots=True)
class Report:
    """What a walk came to. peak: bytes that lay on the disk at most, its results included, as seen."""

    results: tuple[Result, ...]
    seconds: float
    peak: int = 0
    failures: tuple[SwarmctlError, ...] = field(default=())

    def check(self) -> None:
        """Raises the first failure, with the others in its detail."""
        if not self.failures:
            return
        first, *more = self.failures
        if more:
            others = "\n".join(f"also: {error.message}" for error in more)
            first.detail = f"{first.detail}\n{others}" if first.detail else others
        raise first


def decide(wanted: Sequence[Wanted], wish: Wish, world: World, bench: Bench = HERE) -> Decided:
    """Look at all sources and plan. Nothing is written but hashes; of a repository only small files are fetched.

    bench: the machine that is to convert.
    Raises SpecError for what cannot be converted, CapacityError for what does not fit, HostError without any tools.
    """
    if not wanted:
        raise SpecError("there is nothing to convert", hint="swarmctl convert FOLDER --quant Q4_K_M")
    hashes = Hashes(world.store.root)
    options = _options(wish, wanted, hashes)
    seen = _looked(wanted, wish, hashes, bench)
    found, results = bench.tools(), Results(world.store)
    here = bench.machine(world.store.root)
    sources = [one.source for one in seen]
    whole = graph(sources, options, found.version, certify=wish.certify)
    held = _held(whole, results) if found.version else {}
    made = graph(sources, options, found.version, held, cores=here.cores, certify=wish.certify)
    disk = here.disk_free * _SHARE if wish.disk is None else min(wish.disk, here.disk_free)
    memory = round(here.ram_free * _SHARE) if wish.memory is None else wish.memory
    budget = Budget(round(disk * _MIB), memory, here.cores)
    check(made, budget)
    by_group = {
        group.key: one for group in made.groups for one in reversed(seen) if one.source.same == group.source.same
    }
    return Decided(made, schedule(made, budget), budget, by_group, held, found, wish, options, tuple(sources), bench)


def convert(decided: Decided, world: World, tell: Tell, say: object = None) -> Report:
    """Walk the graph; every result that is whole and proved is kept, whatever fails beside it.

    say: told how the image is built, where it must be. Raises LockedError while another conversion runs, HostError.
    """
    if decided.is_empty:
        return _there(decided, world)
    begun = world.clock.monotonic()
    results = Results(world.store)
    work = private(results.work())
    with results.lock("store", shared=True), _alone(results), world.ledger.recorded("", "convert", _told(decided)):
        found = decided.bench.provided(decided.tools, say)
        if found.version != decided.tools.version:
            decided = _renewed(decided, found, results)
        try:
            if decided.is_empty:
                return _there(decided, world)
            places = replace(_places(decided.wish, work, found, decided.seen), shelf=decided.bench.shelf(work))
            with Workshop(found, work, decided.budget.memory) as shop:
                finishing = Finishing(places, world.store, results, found.version, decided.options.matrix)
                run = Run(decided.graph, decided.budget, places, shop, finishing, world.clock, tell)
                run.walk()
        finally:
            decided.bench.done()
    seconds = world.clock.monotonic() - begun
    _known(decided, decided.graph, world)
    made = sorted((*decided.held.values(), *run.results), key=lambda one: _place(one, decided.graph))
    return Report(tuple(made), seconds, run.peak, tuple(run.failures))


def _there(decided: Decided, world: World) -> Report:
    """Nothing has to be made; what is there is known by the names that were asked for."""
    _known(decided, decided.graph, world)
    return Report(tuple(sorted(decided.held.values(), key=lambda one: _place(one, decided.graph))), 0.0)


def _renewed(decided: Decided, found: Tools, results: Results) -> Decided:
    """The same wish with tools that were built since: other tools make other results, equal ones make none."""
    sources = [group.source for group in decided.graph.groups]
    certify, cores = decided.wish.certify, decided.budget.cores
    held = _held(graph(sources, decided.options, found.version, certify=certify), results)
    made = graph(sources, decided.options, found.version, held, cores=cores, certify=certify)
    by_content = {one.source.same: one for one in decided.seen.values()}
    seen = {group.key: by_content[group.source.same] for group in made.groups}
    return replace(decided, graph=made, held=held, seen=seen, tools=found)


def draw(report: Report, file: Path) -> None:
    """A picture of what quantisations cost. Raises SpecError for an ending that is no picture's."""
    from swarmctl.core.converting.plot import Drawn, plot  # noqa: PLC0415 - rarely asked for
    from swarmctl.effects.picture import save_picture  # noqa: PLC0415 - as above

    save_picture(file, plot([Drawn(one.name, one.quant, one.bytes, one.divergence) for one in report.results]))


def _held(whole: Graph, results: Results) -> dict[str, Result]:
    """Results that are there; one that was never proved counts only where there is nothing to prove, or nobody asks."""
    found: dict[str, Result] = {}
    for group in whole.groups:
        proved = {need for node in group.nodes if node.step == "register" for need in node.needs}
        proofs = {node.key for node in group.nodes if node.step == "certify"}
        for node in (one for one in group.nodes if one.step == "register"):
            held = results.one(node.key)
            if held is not None and (held.certified or not proofs & proved & set(node.needs)):
                found[node.key] = held
    return found


def _known(decided: Decided, made: Graph, world: World) -> None:
    """Results are known in the store under every source that has their content."""
    results = Results(world.store)
    groups = {group.source.same: group for group in made.groups}
    for source in decided.wanted:
        for quant in source.sizes:
            one, plain = results.one(groups[source.same].wanted[quant]), held_key(source.asked, quant)
            there = world.store.held(plain)
            if one is not None and (there is None or (there.sha256 != one.sha256 and not decided.options.matrix)):
                world.store.alias(one.held, plain)


def _place(result: Result, made: Graph) -> tuple[str, int]:
    """Models by name, quantisations as they were asked for."""
    for group in made.groups:
        if result.key in group.wanted.values():
            return result.name, list(group.wanted.values()).index(result.key)
    return result.name, 0


def _options(wish: Wish, wanted: Sequence[Wanted], hashes: Hashes) -> Options:
    check_quants((quant for _, quants in wanted for quant in quants), wish.matrix)
    matrix = wish.matrix
    if matrix == "auto":
        matrix = AUTO + hashlib.sha256(calibration.text().encode()).hexdigest()
    elif matrix:
        matrix = hashes.one(Path(matrix).expanduser().resolve())
    return Options(matrix, wish.trust)


def _looked(wanted: Sequence[Wanted], wish: Wish, hashes: Hashes, bench: Bench) -> list[Seen]:
    """Every source, or everything that is wrong with any."""
    found, wrong = [], []
    for one, quants in wanted:
        try:
            found.append(_sent(one, quants, wish, hashes) if bench.far else _look(one, quants, wish, hashes))
        except SpecError as e:
            wrong.append(e)
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        detail = "\n".join(f"{e.message}\n{e.detail}".strip() for e in wrong)
        raise SpecError(f"{len(wrong)} sources cannot be converted", detail=detail, hint=wrong[0].hint)
    return found


def _sent(one: Asked, quants: tuple[str, ...], wish: Wish, hashes: Hashes) -> Seen:
    """What another machine can be sent: files that are here, those of a repository fetched first."""
    if one.kind != "hub":
        seen = _look(one, quants, wish, hashes)
    else:
        from swarmctl.effects.converting import hub  # noqa: PLC0415 - an HTTP client that local sources do not need

        place = hub.brought(one, hashes.root / "incoming" / "published")
        here = replace(one, kind="folder", where=str(place))
        seen = folder(here, quants, hashes, trust=wish.trust)
        seen = replace(seen, source=replace(seen.source, asked=one))
    if seen.repository:
        raise SpecError(f"{one.where} has its base in a repository, which --on cannot fetch", hint="--base FOLDER")
    return seen


def _look(one: Asked, quants: tuple[str, ...], wish: Wish, hashes: Hashes) -> Seen:
    if one.kind == "folder":
        return folder(one, quants, hashes, trust=wish.trust)
    if one.kind == "gguf":
        return file(one, quants, hashes)
    if one.kind == "ollama":
        return ollama(one, quants, hashes)
    if one.kind == "adapter":
        return adapted(one, quants, hashes, trust=wish.trust)
    return _repository(one, quants, wish, hashes)


def _repository(one: Asked, quants: tuple[str, ...], wish: Wish, hashes: Hashes) -> Seen:
    from swarmctl.effects.converting import hub  # noqa: PLC0415 - an HTTP client that local sources do not need

    if not hub.holds_adapter(one):
        if one.base:
            raise SpecError(f"{one.where} is no adapter, and --base names the model of one", hint="leave out --base")
        return hub.look(one, quants, trust=wish.trust)
    place = hub.brought(one, hashes.root / "incoming" / "published")
    return adapted(one, quants, hashes, trust=wish.trust, place=place)


def _places(wish: Wish, work: Path, found: Tools, seen: Mapping[str, Seen]) -> Places:
    """Sources made visible to the tools, before these start."""
    sources = {key: found.lay(work, one.folder, one.files) for key, one in seen.items() if not one.repository}
    adapters = {key: found.lay(work, "adapter", one.adapter) for key, one in seen.items() if one.adapter}
    matrix = text = ""
    if wish.matrix == "auto":
        (work / TEXT).write_text(calibration.text(), encoding="utf-8")
        text = f"{found.lay(work, 'text', {TEXT: work / TEXT})}/{TEXT}"
    elif wish.matrix:
        given = Path(wish.matrix).expanduser().resolve()
        matrix = f"{found.lay(work, 'imatrix', {given.name: given})}/{given.name}"
    return Places(work, found, sources, seen, matrix, adapters, wish.trust, text=text)


@contextmanager
def _alone(results: Results) -> Iterator[None]:
    """One walk at a time in a store: they share its folder of unfinished files."""
    with ExitStack() as held:
        try:
            held.enter_context(results.lock("convert", wait=False))
        except LockedError:
            raise LockedError("another swarmctl converts models; try again when it is done") from None
        yield


def _told(decided: Decided) -> dict[str, object]:
    return {"steps": len(decided.graph.nodes), "models": [g.source.asked.name for g in decided.graph.groups]}
