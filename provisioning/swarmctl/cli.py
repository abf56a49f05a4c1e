"""Flags in, one command called, exit code out; the only place that exits.

Over 300 lines on purpose: each command is its flags and three lines, and they are read side by side.
"""

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer

from swarmctl.errors import Cancelled, HealthError, RunError, SpecError, SwarmctlError

if TYPE_CHECKING:
    from collections.abc import Callable

    from swarmctl.console import Console
    from swarmctl.core.plan import Plan
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
Swarm = Annotated[str | None, typer.Option("--swarm", help="A ready-made swarm, or the name of one that is up.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Context = Annotated[int | None, typer.Option(help="Tokens of context per conversation (engine.context).")]
Parallel = Annotated[int | None, typer.Option(help="Conversations a model serves at once (engine.parallel).")]
Kv = Annotated[str | None, typer.Option(help="Type of the KV cache: f16, q8_0, q4_0 (engine.kv).")]
Threads = Annotated[int | None, typer.Option(help="CPU threads per model (engine.threads).")]
Test = Annotated[str | None, typer.Option("--test", help="Command that checks each step, e.g. 'pytest -q'.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="Any value of the file: --set roles.backend.output=1024.")]

_as_json = False

_USAGE: Any = typer.BadParameter.__mro__[2]
"""What click calls ClickException; typer brings a click of its own and does not export it."""


def _console(as_json: bool = False) -> "Console":
    from swarmctl.console import Console

    global _as_json  # noqa: PLW0603 - an error is told in the shape that the command was asked for
    _as_json = as_json
    return Console(as_json=as_json)


def _opened(file: Path | None, swarm: str | None, **flags: Any) -> "Opened":
    from swarmctl.commands.which import opened, overrides

    named = {key: flags.get(key) for key in ("context", "parallel", "kv", "threads", "test")}
    return opened(file, swarm, overrides(**named, sets=flags.get("sets") or ()))


def _name(file: Path | None, swarm: str | None) -> str:
    from swarmctl.commands.which import name
    from swarmctl.effects.world import World

    return name(file, swarm, World.here())


@app.command()
def init(
    name: Annotated[str | None, typer.Option(help="Name of the swarm; this folder's if left out.")] = None,
    model: Annotated[str | None, typer.Option(help="A GGUF file; the demo's tiny model if left out.")] = None,
    roles: Annotated[str | None, typer.Option(help="Specialists, separated by commas.")] = None,
    test: Test = None,
    force: Annotated[bool, typer.Option(help="Replace a swarm.yml that is there.")] = False,
) -> None:
    """Write a first swarm.yml, with the line that lets an editor check it.

    Example: swarmctl init --name mine --model ~/models/coder.gguf --test 'pytest -q'
    """
    from swarmctl.commands.init import ROLES, Answers
    from swarmctl.commands.init import init as write

    console = _console()
    asks = sys.stdin.isatty() and sys.stderr.isatty()
    given = name or Path.cwd().name.lower().replace("_", "-").replace(" ", "-").strip("-.") or "swarm"
    if asks and name is None:
        given = typer.prompt("name of the swarm", default=given, err=True)
    if asks and model is None:
        model = (
            typer.prompt("a GGUF file (empty: the demo's tiny model)", default="", err=True, show_default=False) or None
        )
    chosen = tuple(part.strip() for part in roles.split(",") if part.strip()) if roles else ROLES
    for path in write(Answers(given, model, chosen, test), Path.cwd(), force=force):
        console.say(f"wrote {path}")
    console.say("next: swarmctl plan")


@app.command()
def plan(
    file: File = None,
    swarm: Swarm = None,
    context: Context = None,
    parallel: Parallel = None,
    kv: Kv = None,
    threads: Threads = None,
    sets: Set = None,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit 11 when `up` would change something.")] = False,
    as_json: Json = False,
) -> None:
    """Say what `up` would do, what it needs and where every value came from; changes nothing.

    Example: swarmctl plan --swarm demo --parallel 4
    """
    from swarmctl.commands.up import plan as decide
    from swarmctl.console.plans import show_plan
    from swarmctl.effects.world import World
    from swarmctl.errors import CapacityError

    console = _console(as_json)
    opened = _opened(file, swarm, context=context, parallel=parallel, kv=kv, threads=threads, sets=sets)
    decided = decide(opened, World.here())
    show_plan(console, decided, opened.loaded)
    if decided.refusals:
        raise typer.Exit(CapacityError.exit_code)
    if exit_code and not decided.is_empty:
        raise typer.Exit(11)


@app.command()
def up(
    file: File = None,
    swarm: Swarm = None,
    context: Context = None,
    parallel: Parallel = None,
    kv: Kv = None,
    threads: Threads = None,
    sets: Set = None,
    yes: Yes = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave what was started when something fails.")] = False,
    as_json: Json = False,
) -> None:
    """Make it so: fetch models, start engines and agents, prove them healthy. A second `up` changes nothing.

    Example: swarmctl up --swarm demo
    """
    from swarmctl.commands.up import up as make
    from swarmctl.console.plans import show_plan
    from swarmctl.console.progress import StepLines
    from swarmctl.console.swarms import show_verdict
    from swarmctl.effects.world import World

    console = _console(as_json)
    opened = _opened(file, swarm, context=context, parallel=parallel, kv=kv, threads=threads, sets=sets)
    lines = StepLines(console)

    def approve(decided: "Plan") -> bool:
        lines.follow(decided)
        if not as_json and console.lively and not yes:
            show_plan(console, decided)
        return True  # nothing on one's own machine costs money

    report = make(opened, World.here(), approve=approve, tell=lines, keep=keep)
    if report.verdict is not None:
        show_verdict(console, report.verdict)
        console.say(
            f"swarm '{opened.spec.name}' is up and proved, in {report.seconds:.1f} s; next: swarmctl run \"...\""
        )
    elif as_json:
        console.json(report.plan.as_json())
    else:
        console.data("nothing to do: everything runs as the file says")


@app.command()
def down(file: File = None, swarm: Swarm = None, as_json: Json = False) -> None:
    """Stop a swarm and show that nothing of it is left; models, history and transcripts stay.

    Example: swarmctl down --swarm demo
    """
    from swarmctl.commands.down import down as undo
    from swarmctl.effects.world import World

    console, name = _console(as_json), _name(file, swarm)
    done = undo(name, World.here())
    if as_json:
        console.json({**done.as_json(), "left": []})
        return
    console.data(done.text() if not done.is_empty else f"swarm '{name}' was down already\n")
    console.data("left: no process, no socket, no file but models, ledger and transcripts")


@app.command()
def status(
    file: File = None,
    swarm: Swarm = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit 8 when something is not as it should be.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Say what runs, proved or not; asks no model anything.

    Example: swarmctl status --json
    """
    from swarmctl.commands.status import status as look
    from swarmctl.console.swarms import show_status
    from swarmctl.effects.world import World

    console = _console(as_json)
    found = look(_name(file, swarm), World.here())
    show_status(console, found)
    if exit_code and (found.faults or not found.up):
        raise typer.Exit(HealthError.exit_code)


@app.command()
def agents(file: File = None, swarm: Swarm = None, as_json: Json = False) -> None:
    """List the roles, their models and whether their agents answer.

    Example: swarmctl agents
    """
    from swarmctl.commands.status import agents as look
    from swarmctl.console.swarms import show_agents
    from swarmctl.effects.world import World

    name = _name(file, swarm)
    show_agents(_console(as_json), name, look(name, World.here()))


@app.command()
def check(file: File = None, swarm: Swarm = None, as_json: Json = False) -> None:
    """Prove the swarm healthy again: loaded, context, parallelism, memory, answers, nothing open.

    Example: swarmctl check
    """
    from swarmctl.commands.check import check as prove
    from swarmctl.console.swarms import show_verdict
    from swarmctl.effects.world import World

    console = _console(as_json)
    verdict = prove(_name(file, swarm), World.here(), tell=console.redraw)
    console.redraw("")
    show_verdict(console, verdict)
    if not verdict.passed:
        raise HealthError(verdict.summary, detail=verdict.failures(), hint=verdict.mend)


@app.command()
def run(
    task: Annotated[str | None, typer.Argument(help="What the team should do.")] = None,
    file: File = None,
    swarm: Swarm = None,
    workspace: Annotated[Path, typer.Option("--workspace", help="The git repository to work on.")] = Path(),
    flat: Annotated[bool, typer.Option("--flat", help="Each role answers on its own; no plan, no branch.")] = False,
    agents: Annotated[str | None, typer.Option("--agents", help="Only these roles, separated by commas.")] = None,
    only_plan: Annotated[bool, typer.Option("--plan", help="The team's plan only.")] = False,
    test: Test = None,
    unsandboxed: Annotated[
        bool, typer.Option("--unsandboxed", help="Allow the test to run without a sandbox.")
    ] = False,
    timeout: Annotated[str, typer.Option(help="Wall time of the whole run.")] = "1h",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the result to a file.")] = None,
    show: Annotated[str | None, typer.Option("--show", help="Show an earlier run again, by its id.")] = None,
    attach: Annotated[str | None, typer.Option("--attach", help="Come back to a run that goes on, by its id.")] = None,
    as_json: Json = False,
) -> None:
    """Give the team a task; the result is a branch of your repository, your files are not touched.

    Example: swarmctl run "add a function that clamps a number" --test 'python3 -m unittest -q'
    """
    from swarmctl.commands import run as work
    from swarmctl.console.runs import RunLines, show_outcome, show_transcript
    from swarmctl.core.units import seconds
    from swarmctl.effects.git import Workspace
    from swarmctl.effects.transcripts import read
    from swarmctl.effects.world import World

    world, console = World.here(), _console(as_json)
    if show is not None:
        transcript = read(show, world)
        _written(console, output, lambda to: show_transcript(to, transcript))
        return
    name, follow = _name(file, swarm), RunLines(console)
    if attach is not None:
        outcome = work.attach(attach, Workspace(workspace), name, world, follow=follow)
    else:
        if not task:
            raise typer.BadParameter('name one: swarmctl run "..."', param_hint="TASK")
        try:
            limit = seconds(timeout)
        except ValueError as e:
            raise typer.BadParameter(str(e), param_hint="--timeout") from None
        mode: Literal["team", "flat", "plan"] = "plan" if only_plan else "flat" if flat else "team"
        roles = tuple(part.strip() for part in (agents or "").split(",") if part.strip())
        request = work.Request(task, mode, roles, test, unsandboxed, limit)
        outcome = work.run(request, Workspace(workspace), name, world, follow=follow)
    _written(console, output, lambda to: show_outcome(to, outcome))
    if outcome.result.verdict != "done":
        raise RunError(
            f"the run ended {outcome.result.verdict}",
            detail="\n".join(outcome.result.problems),
            hint=f"swarmctl run --show {outcome.result.id}",
        )


def _written(console: "Console", output: Path | None, show: "Callable[[Console], None]") -> None:
    from swarmctl.console import Console

    if output is None:
        show(console)
        return
    try:
        with output.open("w", encoding="utf-8") as file:
            show(Console(as_json=console.as_json, out=file))
    except OSError as e:
        raise SpecError(f"{output} cannot be written: {e.strerror}", hint="--output FILE") from None
    console.say(f"wrote {output}")


@app.command()
def chat(
    role: Annotated[str, typer.Argument(help="Whom to talk to.")],
    text: Annotated[str | None, typer.Argument(help="One question; a conversation if left out.")] = None,
    file: File = None,
    swarm: Swarm = None,
    as_json: Json = False,
) -> None:
    """Talk to one agent.

    Example: swarmctl chat backend "what is a mutex?"
    """
    from swarmctl.commands.chat import turn
    from swarmctl.effects.world import World

    world, console, name = World.here(), _console(as_json), _name(file, swarm)
    history: tuple[tuple[str, str], ...] = ()
    while True:
        said = text if text is not None else _line(role)
        if said is None:
            return
        done = turn(role, said, history, name, world)
        history = (*history, ("user", said), ("assistant", done.text))
        if as_json:
            console.json({"schema": "swarmctl/chat/v1", "role": role, **done.model_dump()})
        else:
            console.data(done.text)
        for cut in done.cut:
            console.say(f"cut: {cut}")
        if text is not None:
            return


def _line(role: str) -> str | None:
    """One line from the user; None at the end of input."""
    try:
        return input(f"{role}> " if sys.stdin.isatty() else "")
    except EOFError:
        return None


@app.command()
def logs(
    subject: Annotated[str, typer.Argument(metavar="ROLE", help="A role, an engine (engine-MODEL), or `supervisor`.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines are written.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="How many of the last lines.")] = 50,
    file: Annotated[Path | None, typer.Option("--file", help="The swarm file.")] = None,
    swarm: Swarm = None,
) -> None:
    """Show what a service wrote.

    Example: swarmctl logs orchestrator -n 20
    """
    from swarmctl.commands.logs import last, log_of, new_lines
    from swarmctl.effects.world import World

    world, console = World.here(), _console()
    log = log_of(subject, _name(file, swarm), world)
    for line in last(log, lines):
        console.data(line)
    if follow:
        for line in new_lines(log, world):
            console.data(line)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Say what this machine has, what is missing, and the command that mends it.

    Example: swarmctl doctor
    """
    from swarmctl.commands.doctor import doctor as look
    from swarmctl.console.swarms import show_doctor
    from swarmctl.effects.world import World
    from swarmctl.errors import HostError

    found = look(World.here())
    show_doctor(_console(as_json), found)
    if not found.ready:
        raise typer.Exit(HostError.exit_code)


@app.command()
def cost(file: File = None, swarm: Swarm = None, as_json: Json = False) -> None:
    """Say what the swarm used, per role, and what it burned.

    Example: swarmctl cost --swarm demo
    """
    from swarmctl.commands.cost import cost as add_up
    from swarmctl.console.swarms import show_cost
    from swarmctl.effects.world import World

    show_cost(_console(as_json), add_up(_name(file, swarm), World.here()))


@app.command()
def render(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    file: File = None,
    swarm: Swarm = None,
    as_json: Json = False,
) -> None:
    """Write out what `up` would run.

    Example: swarmctl render build/demo --swarm demo
    """
    from swarmctl.commands.render import render as write
    from swarmctl.effects.world import World

    console = _console(as_json)
    written = [str(path) for path in write(_opened(file, swarm), folder, World.here())]
    if as_json:
        console.json({"schema": "swarmctl/render/v1", "files": written})
    else:
        console.data("\n".join(written))


@app.command()
def models(
    action: Annotated[str, typer.Argument(help="show, or prune.")] = "show",
    dry: Annotated[bool, typer.Option("--dry-run", help="With prune: only name what would go.")] = False,
    as_json: Json = False,
) -> None:
    """List the models in the store, or remove those that no swarm uses.

    Example: swarmctl models prune --dry-run
    """
    from swarmctl.commands.models import models as held
    from swarmctl.commands.models import prune
    from swarmctl.console.swarms import show_models
    from swarmctl.effects.world import World

    console, world = _console(as_json), World.here()
    if action == "show":
        show_models(console, held(world))
        return
    if action != "prune":
        raise typer.BadParameter(f"'{action}' is neither show nor prune", param_hint="ACTION")
    gone = prune(world, dry=dry)
    if as_json:
        console.json({"schema": "swarmctl/prune/v1", "dry": dry, "removed": [m.key for m in gone]})
        return
    freed = sum(m.bytes for m in gone) / 1_000_000
    console.data("\n".join(m.key for m in gone) or "nothing to remove")
    console.say(f"{'would free' if dry else 'freed'} {freed:.0f} MB")


@app.command()
def history(
    swarm: Swarm = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="How many.")] = 30,
    as_json: Json = False,
) -> None:
    """Say who did what, when, with what result; outlives the swarm.

    Example: swarmctl history -n 5
    """
    from swarmctl.console.swarms import show_history
    from swarmctl.effects.world import World

    show_history(_console(as_json), World.here().ledger.events(swarm, limit))


@app.command()
def schema() -> None:
    """Print the JSON Schema of a swarm file.

    Example: swarmctl schema
    """
    from swarmctl.commands.init import json_schema

    _console().json(json_schema())


@app.command()
def version(as_json: Json = False) -> None:
    """Print the version.

    Example: swarmctl version
    """
    from swarmctl import __version__

    console = _console(as_json)
    if as_json:
        console.json({"schema": "swarmctl/version/v1", "version": __version__})
    else:
        console.data(f"swarmctl {__version__}")


@app.command()
def completion(shell: Annotated[str, typer.Argument(help="bash, zsh or fish.")]) -> None:
    """Print the shell's completion script.

    Example: swarmctl completion bash
    """
    from typer.completion import get_completion_script  # type: ignore[attr-defined]

    if shell not in {"bash", "zsh", "fish"}:
        raise typer.BadParameter(f"'{shell}' is none of bash, zsh, fish", param_hint="SHELL")
    _console().data(get_completion_script(prog_name="swarmctl", complete_var="_SWARMCTL_COMPLETE", shell=shell))


def main() -> NoReturn:
    """Run the command line; every way out is here."""
    signal.signal(signal.SIGINT, _first_ctrl_c)
    try:
        code = app(standalone_mode=False)
    except _USAGE as e:
        e.show()
        code = e.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = _tell(Cancelled("cancelled", detail="what was begun has been cleaned up", hint="swarmctl status"))
    except SwarmctlError as e:
        code = _tell(e)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as e:  # noqa: BLE001 - the last door: a bug is said, kept and reported
        code = _tell(_bug(e))
    sys.exit(code or 0)


def _tell(error: SwarmctlError) -> int:
    from swarmctl.console import Console

    Console(as_json=_as_json).letter(error)
    return error.exit_code


def _bug(error: Exception) -> SwarmctlError:
    import traceback

    from swarmctl.effects import files, paths

    file = paths.state() / "last-crash.txt"
    files.write(file, "".join(traceback.format_exception(error)))
    return SwarmctlError(
        f"a bug of ours: {type(error).__name__}: {error}",
        detail=f"the traceback is in {file}",
        hint="report it with that file",
    )


def _first_ctrl_c(_signal: int, _frame: object) -> None:
    """The first Ctrl-C cancels and cleans up, the second leaves at once."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    raise KeyboardInterrupt
