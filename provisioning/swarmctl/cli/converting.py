"""The command that makes quantised models of published weights."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swarmctl.cli.shared import File, Json, Swarm, app, console_for, spec_for
from swarmctl.errors import SpecError

if TYPE_CHECKING:
    from swarmctl.commands.convert import Wish
    from swarmctl.commands.convertible import Wanted
    from swarmctl.console import Console
    from swarmctl.core.converting.upcoming import Fold
    from swarmctl.effects.converting.bench import Bench
    from swarmctl.effects.specs import Opened
    from swarmctl.effects.world import World


@app.command()
def convert(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            help="A folder of safetensors or of an adapter, a .gguf file, owner/name@revision, or ollama:name:tag."
        ),
    ] = None,
    quant: Annotated[list[str] | None, typer.Option("--quant", help="Quantisations, as Q4_K_M,Q8_0.")] = None,
    role: Annotated[str | None, typer.Option("--role", help="Only what this role of the swarm file needs.")] = None,
    register: Annotated[
        bool, typer.Option("--register", help="Make the results known to Ollama (OLLAMA_HOST).")
    ] = False,
    on: Annotated[
        str, typer.Option("--on", help="Where to convert: local, or a machine of inventory/hosts.yml.")
    ] = "local",
    only_plan: Annotated[bool, typer.Option("--plan", help="Say steps, bytes, time and disk; do nothing.")] = False,
    imatrix: Annotated[
        str,
        typer.Option("--imatrix", help="Importance matrix: a file, or auto to measure one; low-bit quants need it."),
    ] = "",
    disk_budget: Annotated[
        str | None, typer.Option("--disk-budget", help="Disk that may be taken at once, results included, as 40 GiB.")
    ] = None,
    memory: Annotated[str | None, typer.Option("--memory", help="Memory that all steps may take, as 12 GiB.")] = None,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="Code of the repository may run, without a network.")
    ] = False,
    picture: Annotated[
        Path | None, typer.Option("--plot", help="Draw size against distance from the original into FILE.svg or .png.")
    ] = None,
    base: Annotated[
        str,
        typer.Option("--base", help="Of an adapter, the model it was trained on: merged, they are converted as one."),
    ] = "",
    share_base: Annotated[
        str | None, typer.Option("--share-base", help="Fold the sources into this base as adapters of a low rank.")
    ] = None,
    max_rank: Annotated[
        int, typer.Option("--max-rank", min=1, max=512, help="With --share-base: the largest rank of an adapter.")
    ] = 16,
    residual: Annotated[
        float,
        typer.Option("--residual", min=0, max=1, help="With --share-base: share of an edit that may be left out."),
    ] = 0.02,
    file: File = None,
    swarm: Swarm = None,
    as_json: Json = False,
) -> None:
    """Turn published weights into quantised models, proved; without a source, all that the swarm file needs.

    Example: swarmctl convert Qwen/Qwen2.5-Coder-3B-Instruct --quant Q4_K_M,Q8_0 --plan
    """
    from swarmctl.commands.convert import Wish
    from swarmctl.effects.world import World

    console, world = console_for(as_json), World.here()
    console.as_lines = not only_plan
    wish = Wish(imatrix, _size(disk_budget, "--disk-budget"), _size(memory, "--memory"), trust_remote_code)
    if share_base is not None:
        _together(role, register, only_plan, base, on)
        _share(console, world, wish, (share_base, sources or [], quant, max_rank, residual))
        return
    quants, opened = _quants(quant), None if sources else spec_for(file, swarm)
    after = None if only_plan else _After(register, picture, _contexts(opened, quants) if register else {})
    if opened is not None:
        wanted, folds = _needed(console, world, (wish, quants, role, base), opened, folds=not only_plan)
    else:
        wanted, folds = _named(sources or [], quants, role, base), ()
    with _bench(on, file, world) as bench:
        _converted(console, world, (wish, wanted, bench), after, folds)


@dataclass(frozen=True, slots=True)
class _After:
    """What is done with results. contexts: of models that are registered, by key in the store."""

    register: bool
    picture: Path | None
    contexts: Mapping[str, int]


def _bench(on: str, file: Path | None, world: "World") -> "AbstractContextManager[Bench]":
    """The machine that converts. Raises SpecError for a name of no machine."""
    if on == "local":
        from swarmctl.effects.converting.bench import HERE

        return nullcontext(HERE)
    from swarmctl.commands.convertaway import away

    return away(on, [Path.cwd(), *([file.resolve().parent] if file else [])], world)


def _converted(
    console: "Console",
    world: "World",
    asked: "tuple[Wish, Sequence[Wanted], Bench]",
    after: _After | None,
    folds: "Sequence[Fold]" = (),
) -> None:
    """Plan, and walk the plan where something is to be done after it."""
    from swarmctl.commands.convert import convert as walk
    from swarmctl.commands.convert import decide, draw
    from swarmctl.console.converting import Steps, show_plan, show_results

    wish, wanted, bench = asked
    decided = decide(wanted, wish, world, bench)
    if after is None:
        show_plan(console, decided, folds)
        return
    report = walk(decided, world, Steps(console), console.say)
    show_results(console, report)
    if after.picture is not None:
        draw(report, after.picture)
    if after.register:
        from swarmctl.commands.register import register as put

        for line in put(report.results, world, _ollama(os.environ.get("OLLAMA_HOST", "")), after.contexts):
            console.say(line)
    report.check()


def _together(role: str | None, register: bool, only_plan: bool, base: str, on: str) -> None:
    """Raises BadParameter for flags that --share-base has no use for."""
    given = {
        "--role": role is not None,
        "--register": register,
        "--plan": only_plan,
        "--base": bool(base),
        "--on": on != "local",
    }
    why = {"--register": "Ollama loads a base once for each of its adapters; llama-server shares it: swarmctl up"}
    for flag in (name for name, there in given.items() if there):
        raise typer.BadParameter(why.get(flag, "it does not go with --share-base"), param_hint=flag)


def _share(
    console: "Console", world: "World", wish: "Wish", asked: tuple[str, list[str], list[str] | None, int, float]
) -> None:
    """Fold specialists into a base, and convert the base where quantisations of it are named."""
    from swarmctl.commands.sharebase import Limits, share, with_base
    from swarmctl.console.converting import Steps, show_results
    from swarmctl.console.sharing import Folding, show_shared
    from swarmctl.core.sharing.verdict import require

    base, specialists, quant, max_rank, residual = asked
    wanted = _quants(quant) if quant else ()
    done = share(base, specialists, Limits(max_rank, residual), world, Folding(console), wish.memory, console.say)
    show_shared(console, done)
    if wanted and done.kept.adapters:
        done = with_base(done, wanted, wish, world, Steps(console), console.say)
        if done.converted is not None:
            show_results(console, done.converted)
            done.converted.check()
    require(done.kept.report)


def _quants(texts: list[str] | None) -> tuple[str, ...]:
    from swarmctl.core.converting.request import USUAL, quants

    return quants(texts or [USUAL])


def _contexts(opened: "Opened | None", quants: tuple[str, ...]) -> Mapping[str, int]:
    from swarmctl.commands.convertible import contexts

    return contexts(opened.spec, quants) if opened is not None else {}


def _named(sources: list[str], wanted: tuple[str, ...], role: str | None, base: str) -> "list[Wanted]":
    from swarmctl.commands.convertible import named

    if role is not None:
        raise SpecError("--role picks from a swarm file, and a source is named besides", hint="leave one out")
    return named(sources, wanted, base)


def _needed(
    console: "Console",
    world: "World",
    asked: "tuple[Wish, tuple[str, ...], str | None, str]",
    opened: "Opened",
    *,
    folds: bool,
) -> "tuple[Sequence[Wanted], Sequence[Fold]]":
    """What the swarm file needs, its specialists folded into the base that they share; or what that would take."""
    from swarmctl.commands.converted import needs
    from swarmctl.commands.folding import Hands
    from swarmctl.commands.upcoming import of
    from swarmctl.effects.converting.tools import provided, tools

    wish, quants, role, base = asked
    if base:
        raise SpecError(
            "--base is the model of an adapter, and no adapter is named", hint="swarmctl convert ADAPTER --base BASE"
        )
    hands = Hands(world, wish, lambda: provided(tools(), console.say), console.say) if folds else None
    found = needs(opened.spec, world, quants, role, hands)
    return found.wanted, of(found.folds, opened.spec.models)


CARRY = ("push", "pull", "export", "import")
"""What `models` does with other machines."""


def carry(console: "Console", world: "World", action: str, words: list[str]) -> None:
    """`models push|pull|export|import`, and `models show` of some."""
    from swarmctl.commands import carry as story

    if action == "show":
        from swarmctl.console.converting import show_proofs

        show_proofs(console, story.proofs(world, words))
        return
    if not words:
        wanted = {"push": "REGISTRY [MODEL…]", "pull": "REGISTRY/NAME:TAG", "export": "FILE [MODEL…]"}
        raise typer.BadParameter(f"{action} needs {wanted.get(action, 'FILE')}", param_hint="WORDS")
    first, *rest = words
    if action in {"pull", "import"} and rest:
        raise typer.BadParameter(f"{action} takes one, found {len(words)}", param_hint="WORDS")
    done = {
        "push": lambda: list(story.push(world, first, rest)),
        "pull": lambda: [story.pull(world, first)],
        "export": lambda: story.export(world, rest, Path(first)),
        "import": lambda: story.take(world, Path(first)),
    }[action]()
    if console.as_json:
        console.json({"schema": f"swarmctl/models-{action}/v1", "models": done})
    else:
        console.data("\n".join(done))


def _ollama(host: str) -> str:
    """The address that OLLAMA_HOST means, as Ollama's own client reads it."""
    where = host.strip().strip("\"'") or "127.0.0.1"
    scheme, _, rest = where.rpartition("://")
    name = rest.rstrip("/").replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - the other way round: where to reach it
    port = "" if ":" in name else {"http": ":80", "https": ":443"}.get(scheme, ":11434")
    return f"{scheme or 'http'}://{name}{port}"


def _size(text: str | None, flag: str) -> int | None:
    from swarmctl.core.units import mebibytes

    try:
        found = None if text is None else mebibytes(int(text) if text.isdigit() and len(text) < 10 else text)
    except ValueError as e:
        raise typer.BadParameter(str(e), param_hint=flag) from None
    if found == 0:
        raise typer.BadParameter("nothing can be converted in 0 MiB", param_hint=flag)
    return found
