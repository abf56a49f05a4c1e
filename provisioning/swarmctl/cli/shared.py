"""The application, the flags that commands share, and how a command gets its console, its file and its swarm."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from swarmctl.console import Console
    from swarmctl.effects.specs import Opened

app = typer.Typer(
    name="swarmctl",
    help="A private team of coding agents: one file, one command, one undo.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="A first try: swarmctl up --swarm demo",
)

File = Annotated[
    Path | None, typer.Option("--file", "-f", help="The swarm file; swarm.yml in this folder if left out.")
]


def _swarms(incomplete: str) -> list[str]:
    from swarmctl.effects.specs import ready_made

    return [name for name in ready_made() if name.startswith(incomplete)]


def _cards(incomplete: str) -> list[str]:
    from swarmctl.effects.hardware import folder

    names = sorted(path.stem for path in folder().glob("*.yml"))
    return [name for name in (*names, "here") if name.startswith(incomplete)]


Swarm = Annotated[
    str | None,
    typer.Option("--swarm", help="A ready-made swarm, or the name of one that is up.", autocompletion=_swarms),
]
Card = Annotated[
    str | None,
    typer.Option(
        "--gpu", help="Plan for a card: 4090, a100, 2x4090, cpu; here: this machine's own.", autocompletion=_cards
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Context = Annotated[int | None, typer.Option(help="Tokens of context per conversation (engine.context).")]
Parallel = Annotated[int | None, typer.Option(help="Conversations a model serves at once (engine.parallel).")]
Kv = Annotated[str | None, typer.Option(help="Type of the KV cache: f16, q8_0, q4_0 (engine.kv).")]
Threads = Annotated[int | None, typer.Option(help="CPU threads per model (engine.threads).")]
Engine = Annotated[
    str | None, typer.Option(help="What serves the models: llamacpp, ollama, vllm; ollama@0.24.0 for its rules.")
]
Architecture = Annotated[
    str | None, typer.Option(help="auto, separate, shared-base, single or hybrid (placement.architecture).")
]
Give = Annotated[
    str | None, typer.Option(help="What may give way, in order: kv,parallel,context,quant,roles (placement.give).")
]
Quant = Annotated[list[str] | None, typer.Option("--quant", help="Quantisation of a model: --quant coder=Q4_K_M.")]
Device = Annotated[
    list[str] | None, typer.Option("--device", help="Where a model sits: --device lead=cpu (gpu, cpu, experts-on-cpu).")
]
Runtime = Annotated[str | None, typer.Option(help="How services run: process, or compose for containers (runtime).")]
Test = Annotated[str | None, typer.Option("--test", help="Command that checks each step, e.g. 'pytest -q'.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="Any value of the file: --set roles.backend.output=1024.")]

_voice: "Console | None" = None


def console_for(as_json: bool = False) -> "Console":
    """The voice of one command."""
    from swarmctl.console import Console

    global _voice  # noqa: PLW0603 - an error is told in the shape that the command was asked for
    _voice = Console(as_json=as_json)
    return _voice


def last_console() -> "Console":
    """The voice of the command that ran; a plain one where it had none yet."""
    from swarmctl.console import Console

    return _voice or Console()


def duration(text: str) -> int:
    """Seconds of a flag such as `60s`. Raises SpecError."""
    from swarmctl.core.units import seconds
    from swarmctl.errors import SpecError

    try:
        return seconds(int(text) if text.isdigit() and len(text) < 10 else text)
    except ValueError as e:
        raise SpecError(str(e)) from None


def spec_for(file: Path | None, swarm: str | None, **flags: Any) -> "Opened":
    """The swarm file that is meant, with the flags above it."""
    from swarmctl.commands.which import opened, overrides

    return opened(file, swarm, overrides({key: value for key, value in flags.items() if value is not None}))


def name_for(file: Path | None, swarm: str | None) -> str:
    """The name of the swarm that is meant."""
    from swarmctl.commands.which import name
    from swarmctl.effects.world import World

    return name(file, swarm, World.here())
