"""`up`: look, decide, ask, act."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from swarmctl.commands.falling import Try, remember, tries, words
from swarmctl.commands.formed import formed
from swarmctl.core.chain import Chain, part
from swarmctl.core.observed import Observed
from swarmctl.core.plan import Plan, Verb
from swarmctl.core.reconcile import reconcile
from swarmctl.core.spec import ModelSource
from swarmctl.core.stack import stack_hash
from swarmctl.core.trialname import trial_name
from swarmctl.core.verdict import Verdict
from swarmctl.effects import files
from swarmctl.effects.clearing import broken_off, clear
from swarmctl.effects.execute import Job, Progress, StepEnded, Tell, quietly
from swarmctl.effects.jobs import job_for
from swarmctl.effects.observe import observe
from swarmctl.effects.specs import Opened
from swarmctl.effects.timeline import Timeline
from swarmctl.effects.world import World
from swarmctl.errors import CapacityError, DeployError, HealthError, HostError, PortTakenError, SwarmctlError

if TYPE_CHECKING:
    from swarmctl.core.kept import KeptState

Approve = Callable[[Plan], bool]
Secure = Callable[[Opened, World, Timeline], bool]
Convert = Callable[[Opened, World], Opened]


def _silently(_text: str) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Before:
    """What `up` stands on. host: gives the swarm a machine where that is not this one, False without a yes.

    convert: makes files of models that are published as weights. anew: what the file asks for is tried first, whatever
    fallback held before. say: told of fallbacks.
    """

    host: Secure | None = None
    convert: Convert | None = None
    anew: bool = False
    say: Callable[[str], None] = _silently


@dataclass(frozen=True, slots=True)
class Report:
    """What `up` came to: its plan, whether it was carried out, and the verdict of the proofs.

    age: seconds since that verdict, where nothing had to be done. declined: nobody said yes to what it would cost.
    chain: what the seconds went into, where the swarm is on another machine. fell: what it runs with instead of what
    its file asks for, whose proofs failed: `context 8192 → 4096`.
    """

    plan: Plan
    done: bool = False
    verdict: Verdict | None = None
    seconds: float = 0.0
    age: float = 0.0
    declined: bool = False
    chain: Chain | None = None
    fell: str = ""


def up(
    opened: Opened,
    world: World,
    *,
    approve: Approve,
    tell: Tell,
    keep: bool = False,
    update_lock: bool = False,
    before: Before | None = None,
) -> Report:
    """Make it so. A second `up` finds nothing to do.

    Raises CapacityError when the swarm does not fit, LockedError, and what Job.execute raises; a first
    `up` that fails or is cancelled takes away what it made, and one that changes a proved swarm goes back
    to what was proved, unless `keep`. update_lock: take the images that are here, whatever swarm.lock says.
    """
    name, line, before = opened.spec.name, Timeline(world.clock), before or Before()
    walk = Walk(world, approve, tell, line, before, keep=keep, update_lock=update_lock)
    with world.ledger.lock(name, "up"), world.errands.beside(line):
        done = walk.first_that_holds(tries(opened, world, anew=before.anew))
    return done if opened.spec.target.is_here else replace(done, chain=line.chain, seconds=line.whole)


@dataclass(slots=True)
class Walk:
    """One `up` on its way.

    fresh: there was nothing when it began. more: another fallback is left to be tried. verb: of the step under way.
    """

    world: World
    approve: Approve
    tell: Tell
    line: Timeline
    before: Before
    keep: bool
    update_lock: bool
    fresh: bool | None = None
    more: bool = False
    verb: Verb = Verb.PREPARE

    def first_that_holds(self, tried: Iterator[Try]) -> Report:
        """The first of several that is proved, or the failure of the last one."""
        for one in tried:
            self.more = not one.last
            try:
                return self._try(one)
            except (HealthError, DeployError) as e:
                if not self.falls(e):
                    raise
                self.before.say(f"{e.message}; the next fallback is tried")
        raise AssertionError("there is always one to try")

    def falls(self, failure: BaseException) -> bool:
        """There is a fallback, and this is what one may mend: a failed proof, or a model that does not load."""
        loads = isinstance(failure, DeployError) and self.verb == Verb.LOAD
        return self.more and (isinstance(failure, HealthError) or loads)

    def told(self, decided: Plan) -> Tell:
        """Tells, counts what the steps took, and knows which one is under way."""
        self.verb = decided.steps[0].verb

        def told(said: Progress | StepEnded) -> None:
            if isinstance(said, StepEnded):
                self.line.add(part(decided.steps[said.step - 1]), said.seconds)
            self.verb = decided.steps[min(said.step - isinstance(said, Progress), len(decided.steps) - 1)].verb
            self.tell(said)

        return told

    def _try(self, tried: Try) -> Report:
        world, line, name = self.world, self.line, tried.opened.spec.name
        opened = _converted(tried.opened, world, self.before, line)  # before a machine is paid for
        if not _begun(opened, world, self.before, line):
            return Report(Plan(name), declined=True)
        opened = formed(opened, world)
        if opened.spec.runtime == "compose" and broken_off(name, world):
            clear(trial_name(name), world, purge=True)
        try:
            done = self._once(opened)
        except PortTakenError:
            done = self._once(opened)  # whoever took it since the look is seen by now
        if done.done:
            remember(tried, world)
        return replace(done, fell=words(tried.opened))

    def _once(self, opened: Opened) -> Report:
        world = self.world
        observed = observe(opened, world, update_lock=self.update_lock)
        decided = reconcile(opened.spec, observed)
        if decided.refusals:
            failure = _refused(decided, observed)
            if not self.keep and _was_nothing(observed):
                _held(opened.spec.name, world, failure)
            raise failure
        if decided.is_empty:
            return _idle(decided, world)
        if not self.approve(decided):
            return Report(decided)
        if self.fresh is None:
            self.fresh = _was_nothing(observed)
        with world.ledger.recorded(opened.spec.name, "up", {"steps": len(decided.steps)}):
            return _carried_out(job_for(opened.spec, decided, observed, world, self.told(decided)), self)


def _begun(opened: Opened, world: World, before: Before, line: Timeline) -> bool:
    """The swarm has its machine."""
    return opened.spec.target.is_here or before.host is None or before.host(opened, world, line)


def _converted(opened: Opened, world: World, before: Before, line: Timeline) -> Opened:
    """Every model is a file that a server reads, or was refused before."""
    spec = opened.spec
    if before.convert is None or spec.engine.kind == "vllm":
        return opened
    if not any(map(_unconverted, spec.models.values())):
        return opened
    with line.part("convert"):
        return before.convert(opened, world)


def _unconverted(source: ModelSource) -> bool:
    """It names weights as they are published, not a file that a server reads."""
    return (source.hf is not None and source.file is None) or (source.path is not None and Path(source.path).is_dir())


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


def _carried_out(job: Job, walk: Walk) -> Report:
    from swarmctl.effects.keeping import keep as keep_state  # noqa: PLC0415 - not where nothing is done
    from swarmctl.effects.keeping import kept  # noqa: PLC0415 - as above

    begun = job.world.clock.monotonic()
    job.ready()
    proved = kept(job.world.places(job.spec.name)).current
    try:
        verdict = job.execute()
    except BaseException as e:
        if not walk.keep and not walk.falls(e):
            _undo(job, proved, e, fresh=bool(walk.fresh))
        raise
    if verdict is not None:
        keep_state(job.spec, dict(job.observed.prompts), job.plan, job.world, job.images)
    return Report(job.plan, done=True, verdict=verdict, seconds=job.world.clock.monotonic() - begun)


def _undo(job: Job, proved: "KeptState | None", failure: BaseException, *, fresh: bool) -> None:
    """Take away a first attempt, or bring back what was proved before this one."""
    if isinstance(failure, HealthError) and fresh and _held(job.spec.name, job.world, failure):
        return
    if fresh:
        _away(job, failure)
    elif proved is not None and proved.stack != stack_hash(job.plan.stacks) and job.spec.runtime == "compose":
        _back(job, proved, failure)


def _held(swarm: str, world: World, failure: SwarmctlError) -> bool:
    """A rented machine is not thrown away with its minutes for what may be mended: it is held for a while."""
    placed = world.placed(swarm)
    if placed is None or not placed.lease:
        return False
    from swarmctl.effects.hosts.holding import HELD, hold  # noqa: PLC0415 - only where a machine was rented

    try:
        if not hold(placed, world):
            return False
    except HostError:
        return False
    said = f"machine {placed.lease} is held for {HELD // 60} minutes, and ends itself then"
    failure.detail = f"{failure.detail}\n{said}" if failure.detail else said
    failure.hint = f"{failure.hint or 'swarmctl status'}; or end it now: swarmctl down --swarm {swarm}"
    return True


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


def _back(job: Job, proved: "KeptState", failure: BaseException) -> None:
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
