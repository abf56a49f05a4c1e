"""Runs one of our playbooks on hosts, by ansible-runner."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from swarmctl.assets import root
from swarmctl.core.hosts import Host, inventory, variables_file
from swarmctl.effects.clock import Clock, SystemClock
from swarmctl.effects.hosts.events import Failure, Heard, Say
from swarmctl.effects.hosts.room import environment, program, room, sweep
from swarmctl.effects.paths import private
from swarmctl.errors import Cancelled, DeployError, HostError, SwarmctlError

_KEPT_RUNS = 20
_TICK = 0.2


@dataclass(frozen=True, slots=True)
class Playbook:
    """What to run. name: `prepare`, `deploy` or `teardown`.

    variables: for all hosts. of_hosts: for one, by its name. check: say what would change, and change nothing.
    seconds: the run is ended after them.
    """

    name: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    of_hosts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    check: bool = False
    seconds: float = 3600.0


@dataclass(frozen=True, slots=True)
class Beside:
    """What goes on beside a run. entered: is told each role as it begins. pulse: called often, may raise."""

    entered: Callable[[str], None] = lambda _: None
    pulse: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class Played:
    """What a run came to.

    changed: number of tasks that changed something, by host. facts: what each host told of itself. log: what Ansible
    printed. tasks: how many began.
    """

    name: str
    changed: Mapping[str, int]
    facts: Mapping[str, Mapping[str, Any]]
    failures: tuple[Failure, ...]
    tasks: int
    seconds: float
    log: Path

    def proved(self) -> "Played":
        """Itself, where nothing failed. Raises HostError where no host was reached, else DeployError."""
        if self.failures:
            raise _error(self)
        return self


def play(
    book: Playbook,
    hosts: Sequence[Host],
    state: Path,
    say: Say,
    *,
    clock: Clock | None = None,
    beside: Beside | None = None,
) -> Played:
    """Run it, and say each task as it begins; failures of tasks are in what it gives back.

    state: the folder whose `ansible/` keeps what the last runs printed. Raises HostError where Ansible is not
    installed, SpecError for hosts that cannot be used, DeployError where Ansible itself fails or takes too long, and
    Cancelled after Ctrl-C, when no process of it is left here.
    """
    time = clock or SystemClock()
    begun = time.monotonic()
    playbooks = root() / "playbooks"
    texts = {"hosts.yml": inventory(hosts, book.of_hosts), "variables.yml": variables_file(book.variables)}
    with room(playbooks, texts) as folder:
        env = environment(folder, os.environ)
        heard = Heard(say, time, (beside or Beside()).entered)
        runner, log = _runner(book, playbooks, (folder, private(state / "ansible")), env, heard)
        try:
            _watch(runner, book, heard, time, (beside or Beside()).pulse)
        finally:
            sweep(folder, time)
    played = Played(
        book.name, heard.changed, heard.facts, tuple(heard.failures), heard.tasks, time.monotonic() - begun, log
    )
    if runner.rc != 0 and not heard.failures:
        raise DeployError(f"Ansible cannot run {book.name}", detail=_tail(log), hint=f"less {log}")
    return played


def _runner(
    book: Playbook, playbooks: Path, folders: tuple[Path, Path], env: dict[str, str], heard: Heard
) -> tuple[Any, Path]:
    """ansible-runner, ready to run, and its log. folders: of this run, and of what is kept."""
    folder, kept = folders
    try:
        library: Any = import_module("ansible_runner")
    except ImportError as e:
        raise _missing(str(e)) from None
    if program(env) is None:
        raise _missing("no ansible-playbook on the path")
    words = [f"-e @{folder}/variables.yml", *(["--check"] if book.check else [])]
    config = library.RunnerConfig(
        private_data_dir=str(folder),
        playbook=str(playbooks / f"{book.name}.yml"),
        inventory=str(folder / "hosts.yml"),
        cmdline=" ".join(words),
        tags=",".join(book.tags) or None,
        artifact_dir=str(kept),
        rotate_artifacts=_KEPT_RUNS,
        host_cwd=str(folder),
        quiet=True,
    )
    config.prepare()
    # What it has prepared begins with all of the user's environment, so that nothing of it is taken.
    config.env = {**env, **_display(library, config.artifact_dir)}
    config.pexpect_timeout = _TICK
    return library.Runner(config=config, event_handler=heard.hear), Path(config.artifact_dir) / "stdout"


def _display(library: Any, artifacts: str) -> dict[str, str]:
    """Variables by which Ansible hands its events to ansible-runner."""
    return {
        "ANSIBLE_CALLBACK_PLUGINS": str(Path(library.__file__).parent / "display_callback" / "callback"),
        "ANSIBLE_STDOUT_CALLBACK": "awx_display",
        "AWX_ISOLATED_DATA_DIR": artifacts,
    }


def _watch(runner: Any, book: Playbook, heard: Heard, clock: Clock, pulse: Callable[[], None]) -> None:
    """Waits in another thread's place, so that Ctrl-C is ours to answer."""
    end = clock.monotonic() + book.seconds
    stop = threading.Event()
    failed: list[BaseException] = []

    def run() -> None:
        try:
            runner.run()
        except BaseException as e:  # noqa: BLE001 - said by the thread that waits
            failed.append(e)

    runner.cancel_callback = stop.is_set
    thread = threading.Thread(target=run, name=f"ansible {book.name}", daemon=True)
    thread.start()
    late = False
    try:
        while thread.is_alive() and not (late := clock.monotonic() >= end):
            thread.join(_TICK)
            heard.tick()
            pulse()
    except KeyboardInterrupt:
        _end(stop, thread)
        raise Cancelled(f"{book.name} was cancelled", hint="run it again: it goes on where it was") from None
    except BaseException:
        _end(stop, thread)
        raise
    if late:
        _end(stop, thread)
        raise DeployError(f"{book.name} did not end within {book.seconds:g} s", hint="run it again: it goes on")
    if failed:
        raise SwarmctlError(f"ansible-runner failed: {type(failed[0]).__name__}: {failed[0]}") from failed[0]


def _end(stop: threading.Event, thread: threading.Thread) -> None:
    stop.set()
    thread.join(15)


def _error(played: Played) -> SwarmctlError:
    first, *others = played.failures
    told = first.message.splitlines()[0][:500] if first.message else ""
    lines = [*first.message.splitlines()[1:], *first.said.splitlines()][-40:]
    lines += [f"{one.where}: {one.message.splitlines()[0][:300]}" for one in others]
    detail, hint = "\n".join([*lines, f"log: {played.log}"]), f"less {played.log}"
    if all(one.unreachable for one in played.failures):
        return HostError(f"{first.host} cannot be reached by SSH: {told}", detail=detail, hint=hint)
    return DeployError(f"{played.name} failed at {first.where}: {told}", detail=detail, hint=hint)


def _missing(said: str) -> HostError:
    return HostError("Ansible is not installed", detail=said, hint="pip install 'swarmctl[hosts]'")


def _tail(log: Path, lines: int = 20) -> str:
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
