"""`run`: hand the team a task, follow it, and fetch what came of it as a branch."""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from swarmctl.commands.following import Follow, Following
from swarmctl.core.hints import logs
from swarmctl.core.messages import RunEvent, RunOrder, RunResult
from swarmctl.core.record import SwarmRecord
from swarmctl.core.spec import ORCHESTRATOR
from swarmctl.core.team.commits import base_ref
from swarmctl.effects import transcripts
from swarmctl.effects.a2a import FINAL, data_parts
from swarmctl.effects.git import Base, Workspace
from swarmctl.effects.transcripts import Transcript
from swarmctl.effects.world import World
from swarmctl.errors import RunError, SpecError

if TYPE_CHECKING:
    from swarmctl.commands.testing import Runner


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked: the task, how it is worked on, and how it is checked.

    image: of the container that tests run in, on this machine; a sandbox that is found when None.
    """

    task: str
    mode: Literal["team", "flat", "plan"] = "team"
    roles: tuple[str, ...] = ()
    test: str | None = None
    unsandboxed: bool = False
    timeout: int = 3600
    image: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run's result, the commits of its branch, and the diff that it makes."""

    result: RunResult
    commits: tuple[tuple[str, str, str], ...] = ()
    diff: str = ""
    file: Path | None = None


def run(request: Request, workspace: Workspace, swarm: str, world: World, *, follow: Follow) -> Outcome:
    """Push the base, start the run at the orchestrator, follow it, fetch the branch, keep the transcript.

    Ctrl-C cancels the run at the orchestrator and raises KeyboardInterrupt. Raises SpecError, HostError,
    RunError when no result came.
    """
    record = world.reached(swarm)
    _check_roles(request.roles, record)
    base = workspace.base()
    _say(base, follow)
    order = RunOrder(
        id=_new_id(world),
        task=request.task,
        base=base.commit,
        mode=request.mode,
        roles=request.roles,
        test=request.test or record.test,
        unsandboxed=request.unsandboxed,
        elsewhere=(request.image or record.test_image) is not None,
        timeout=request.timeout,
    )
    runner = _runner(order, request, record, world, follow)
    leader = world.agent(record, ORCHESTRATOR)
    with world.ledger.recorded(swarm, "run", {"run": order.id, "task": request.task[:200]}):
        workspace.push(remote(record), base.commit, base_ref(order.id), world.places(swarm).git_config)
        following = Following(leader, world.clock, follow, runner)
        task = following.to_the_end(leader.start(order.model_dump(mode="json")))
        return finish(task, workspace, swarm, world)


def attach(
    run_id: str, workspace: Workspace, swarm: str, world: World, *, follow: Follow, request: Request | None = None
) -> Outcome:
    """Come back to a run: follow it to its end, or fetch what it came to. Of `request`, how tests are run here."""
    record = world.reached(swarm)
    leader = world.agent(record, ORCHESTRATOR)
    task = next((t for t in leader.tasks() if _run_of(t) == run_id), None)
    if task is None:
        raise SpecError(f"the orchestrator knows no run '{run_id}'", hint="swarmctl history")
    if task["status"]["state"] not in FINAL:
        order = _order_of(task)
        runner = _runner(order, request or Request(order.task), record, world, follow) if order else None
        following = Following(leader, world.clock, follow, runner)
        task = following.to_the_end(leader.follow(task["id"]), task["id"])
    return finish(task, workspace, swarm, world)


def finish(task: dict[str, Any], workspace: Workspace, swarm: str, world: World) -> Outcome:
    """Keep a final task's transcript and fetch its branch. Raises RunError when it has no result."""
    found = transcripts.from_task(task)
    if found is None:
        raise RunError(f"the run ended without a result: {_words(task)}", hint=logs(swarm, ORCHESTRATOR))
    return _fetched(found, workspace, swarm, world)


def _fetched(found: Transcript, workspace: Workspace, swarm: str, world: World) -> Outcome:
    result, record = found.result, world.require(swarm)
    file = transcripts.keep(swarm, world, found)
    if result.head is None:
        return Outcome(result, file=file)
    workspace.fetch(remote(record), f"refs/heads/{result.branch}", result.branch, world.places(swarm).git_config)
    commits = tuple(workspace.log(result.base, result.branch))
    return Outcome(result, commits, workspace.diff(result.base, result.branch), file)


def remote(record: SwarmRecord) -> str:
    """The swarm's own repository, which the orchestrator's agent serves."""
    return record.url(f"agent-{ORCHESTRATOR}") + "/git/work.git"


def _run_of(task: dict[str, Any]) -> str | None:
    order = _order_of(task)
    if order is not None:
        return order.id
    transcript = transcripts.from_task(task)
    return transcript.result.id if transcript else None


def _order_of(task: dict[str, Any]) -> RunOrder | None:
    """The order that a task carries out; None when it cannot be read."""
    orders = [data for message in task.get("history", []) for data in data_parts(message) if data.get("kind") == "run"]
    try:
        return RunOrder.model_validate(orders[0]) if orders else None
    except ValidationError:
        return None


def _words(task: dict[str, Any]) -> str:
    status = task.get("status", {})
    texts = [part["text"] for part in (status.get("message") or {}).get("parts", []) if "text" in part]
    return " ".join(texts) or str(status.get("state", "no state"))


def _runner(order: RunOrder, request: Request, record: SwarmRecord, world: World, follow: Follow) -> "Runner | None":
    """What does a run's tests here, where its agents do not. Raises HostError, SpecError for an image."""
    if request.image and order.test is None:
        raise SpecError("--image says where tests run, but there is no test", hint="--test 'pytest -q'")
    away = record.runtime == "compose" or order.elsewhere
    if not away or order.test is None or order.mode != "team":
        return None
    from swarmctl.commands.testing import runner  # noqa: PLC0415 - needs a system that has sandboxes

    image = request.image or record.test_image
    named = tuple(command for command in (request.test, record.test) if command and request.unsandboxed)
    return runner(order.id, record, world, image=image, unsandboxed=named, say=follow)


def _check_roles(roles: tuple[str, ...], record: SwarmRecord) -> None:
    unknown = [role for role in roles if role not in record.roles]
    if unknown:
        raise SpecError(
            f"swarm '{record.swarm}' has no role {', '.join(map(repr, unknown))}; it has: {', '.join(record.roles)}"
        )


def _say(base: Base, follow: Follow) -> None:
    for note in base.notes:
        follow(RunEvent(event="note", text=note))


def _new_id(world: World) -> str:
    return f"{world.clock.now():%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
