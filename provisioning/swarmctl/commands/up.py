"""`up`: look, decide, ask, act."""

from collections.abc import Callable
from dataclasses import dataclass

from swarmctl.core.kept import KeptState
from swarmctl.core.observed import Observed
from swarmctl.core.plan import Plan
from swarmctl.core.reconcile import reconcile
from swarmctl.core.stack import stack_hash
from swarmctl.core.trialname import trial_name
from swarmctl.core.verdict import Verdict
from swarmctl.effects import files
from swarmctl.effects.clearing import broken_off, clear
from swarmctl.effects.execute import Job, Tell, quietly
from swarmctl.effects.jobs import job_for
from swarmctl.effects.keeping import keep as keep_state
from swarmctl.effects.keeping import kept
from swarmctl.effects.observe import observe
from swarmctl.effects.specs import Opened
from swarmctl.effects.world import World
from swarmctl.errors import CapacityError, HostError, PortTakenError, SwarmctlError

Approve = Callable[[Plan], bool]
Secure = Callable[[Opened, World], bool]


@dataclass(frozen=True, slots=True)
class Report:
    """What `up` came to: its plan, whether it was carried out, and the verdict of the proofs.

    age: seconds since that verdict, where nothing had to be done. declined: nobody said yes to what it would cost.
    """

    plan: Plan
    done: bool = False
    verdict: Verdict | None = None
    seconds: float = 0.0
    age: float = 0.0
    declined: bool = False


def up(
    opened: Opened,
    world: World,
    *,
    approve: Approve,
    tell: Tell,
    keep: bool = False,
    update_lock: bool = False,
    host: Secure | None = None,
) -> Report:
    """Make it so. A second `up` finds nothing to do. host: gives the swarm a machine where that is not this one, False
    without a yes.

    Raises CapacityError when the swarm does not fit, LockedError, and what Job.execute raises; a first
    `up` that fails or is cancelled takes away what it made, and one that changes a proved swarm goes back
    to what was proved, unless `keep`. update_lock: take the images that are here, whatever swarm.lock says.
    """
    name = opened.spec.name

    def once() -> Report:
        observed = observe(opened, world, update_lock=update_lock)
        decided = reconcile(opened.spec, observed)
        if decided.refusals:
            raise _refused(decided, observed)
        if decided.is_empty:
            return _idle(decided, world)
        if not approve(decided):
            return Report(decided)
        with world.ledger.recorded(name, "up", {"steps": len(decided.steps)}):
            return _carried_out(job_for(opened.spec, decided, observed, world, tell), keep=keep)

    with world.ledger.lock(name, "up"):
        if not opened.spec.target.is_here and host is not None and not host(opened, world):
            return Report(Plan(name), declined=True)
        if opened.spec.runtime == "compose" and broken_off(name, world):
            clear(trial_name(name), world, purge=True)
        try:
            return once()
        except PortTakenError:
            return once()  # whoever took it since the look is seen by now


def _refused(plan: Plan, observed: Observed) -> SwarmctlError:
    """Why nothing is begun: there is no Docker to ask, or the swarm cannot be carried."""
    host, detail = observed.compose, "\n".join(plan.refusals[1:])
    if host is not None and host.problem:
        what, _, said = host.problem.partition(": ")
        return HostError(what, detail="\n".join(filter(None, (said, detail))), hint=host.mend or "swarmctl doctor")
    return CapacityError(plan.refusals[0], detail=detail, hint="swarmctl plan")


def _idle(plan: Plan, world: World) -> Report:
    """Nothing is done and nothing proved again: the last verdict, and how old it is."""
    raw = files.read_json(world.places(plan.swarm).proved)
    if raw is None:
        return Report(plan)
    verdict = Verdict.from_json(raw)
    return Report(plan, verdict=verdict, age=(world.clock.now() - verdict.at).total_seconds())


def _carried_out(job: Job, *, keep: bool) -> Report:
    begun = job.world.clock.monotonic()
    job.ready()
    proved = kept(job.world.places(job.spec.name)).current
    try:
        verdict = job.execute()
    except BaseException as e:
        if not keep:
            _undo(job, proved, e)
        raise
    if verdict is not None:
        keep_state(job.spec, dict(job.observed.prompts), job.plan, job.world, job.images)
    return Report(job.plan, done=True, verdict=verdict, seconds=job.world.clock.monotonic() - begun)


def _undo(job: Job, proved: KeptState | None, failure: BaseException) -> None:
    """Take away a first attempt, or bring back what was proved before this one."""
    if _was_nothing(job.observed):
        _away(job, failure)
    elif proved is not None and proved.stack != stack_hash(job.plan.stacks) and job.spec.runtime == "compose":
        _back(job, proved, failure)


def _away(job: Job, failure: BaseException) -> None:
    """Take a first attempt away; what cannot be taken away is said beside why it failed."""
    name = job.spec.name
    try:
        clear(name, job.world)
    except SwarmctlError as e:
        if not isinstance(failure, SwarmctlError):
            raise
        said = "\n".join(filter(None, (failure.detail, f"what was started could not be taken away: {e.message}")))
        failure.detail, failure.hint = said, f"{failure.hint or e.hint}; then: swarmctl down --swarm {name}"
        return
    if isinstance(failure, SwarmctlError):
        failure.hint = (
            f"swarmctl up --keep leaves what was started, to look at; then: {failure.hint or 'swarmctl status'}"
        )


def _back(job: Job, proved: KeptState, failure: BaseException) -> None:
    from swarmctl.commands.rollback import reopened  # noqa: PLC0415 - it stands on `up`

    when = proved.at.isoformat(timespec="seconds")
    opened = reopened(proved)
    try:
        observed = observe(opened, job.world)
        job_for(opened.spec, reconcile(opened.spec, observed), observed, job.world, quietly).execute()
        said = f"what was proved at {when} runs again"
    except SwarmctlError as e:
        said = f"what was proved at {when} could not be brought back: {e.message}"
    if isinstance(failure, SwarmctlError):
        failure.detail = f"{failure.detail}\n{said}" if failure.detail else said


def _was_nothing(observed: Observed) -> bool:
    return not (observed.prepared or observed.services or observed.strays)
