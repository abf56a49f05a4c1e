"""The command that makes quantised models of published weights."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swarmctl.cli.shared import File, Json, Swarm, app, console_for
from swarmctl.errors import SpecError

if TYPE_CHECKING:
    from swarmctl.commands.convertible import Wanted
    from swarmctl.console import Console
    from swarmctl.effects.world import World


@app.command()
def convert(
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="A folder of safetensors, a .gguf file, owner/name@revision, or ollama:name:tag."),
    ] = None,
    quant: Annotated[list[str] | None, typer.Option("--quant", help="Quantisations, as Q4_K_M,Q8_0.")] = None,
    role: Annotated[str | None, typer.Option("--role", help="Only what this role of the swarm file needs.")] = None,
    register: Annotated[
        bool, typer.Option("--register", help="Make the results known to Ollama (OLLAMA_HOST).")
    ] = False,
    on: Annotated[str, typer.Option("--on", help="Where to convert: local.")] = "local",
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
    file: File = None,
    swarm: Swarm = None,
    as_json: Json = False,
) -> None:
    """Turn published weights into quantised models, proved; without a source, all that the swarm file needs.

    Example: swarmctl convert Qwen/Qwen2.5-Coder-3B-Instruct --quant Q4_K_M,Q8_0 --plan
    """
    from swarmctl.commands.convert import Wish, decide, draw
    from swarmctl.commands.convert import convert as walk
    from swarmctl.console.converting import Steps, show_plan, show_results
    from swarmctl.effects.world import World

    if on != "local":
        raise typer.BadParameter(f"'{on}': conversions run on this machine (local)", param_hint="--on")
    console, world = console_for(as_json), World.here()
    wish = Wish(imatrix, _size(disk_budget, "--disk-budget"), _size(memory, "--memory"), trust_remote_code)
    decided = decide(_wanted(sources or [], quant or ["Q4_K_M"], role, file, swarm), wish, world)
    if only_plan:
        show_plan(console, decided)
        return
    report = walk(decided, world, Steps(console), console.say)
    show_results(console, report)
    if picture is not None:
        draw(report, picture)
    if register:
        from swarmctl.commands.register import register as put

        for line in put(report.results, world, _ollama(os.environ.get("OLLAMA_HOST", ""))):
            console.say(line)
    report.check()


def _wanted(
    sources: list[str], quant: list[str], role: str | None, file: Path | None, swarm: str | None
) -> "list[Wanted]":
    from swarmctl.cli.shared import spec_for
    from swarmctl.commands.convertible import named, of_swarm
    from swarmctl.core.converting.request import quants

    wanted = quants(quant)
    if sources:
        if role is not None:
            raise SpecError("--role picks from a swarm file, and a source is named besides", hint="leave one out")
        return named(sources, wanted)
    return of_swarm(spec_for(file, swarm).spec, wanted, role)


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
