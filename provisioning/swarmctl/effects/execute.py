"""Acting: walks a plan and decides nothing."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from swarmctl.core.gguf import GgufFacts
from swarmctl.core.observed import Observed
from swarmctl.core.plan import Plan, Step
from swarmctl.core.record import record
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.verdict import Verdict
from swarmctl.effects import files
from swarmctl.effects.prove import prove
from swarmctl.effects.world import World
from swarmctl.errors import HealthError


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step is: `done` and `total` in bytes, or a sentence."""

    step: int
    text: str = ""
    done: int = 0
    total: int | None = None


@dataclass(frozen=True, slots=True)
class StepEnded:
    """A step is done, after so many seconds."""

    step: int
    seconds: float


Tell = Callable[[Progress | StepEnded], None]


def quietly(_said: Progress | StepEnded) -> None:
    """Tells nobody: what is done to go back is told in one sentence."""


@dataclass
class Job(ABC):
    """One plan being carried out; each runtime has its own way to do a verb."""

    spec: SwarmSpec
    plan: Plan
    observed: Observed
    world: World
    tell: Tell

    def __post_init__(self) -> None:
        self.verdict: Verdict | None = None
        self.images: dict[str, str] = {}

    def execute(self) -> Verdict | None:
        """Walk the steps in order. Gives the verdict of the proofs if there was a check.

        Raises DeployError, HostError, SpecError, and HealthError when a proof failed.
        """
        self.begin()
        for n, step in enumerate(self.plan.steps, 1):
            begun = self.world.clock.monotonic()
            getattr(self, step.verb.value)(n, step)
            self.tell(StepEnded(n, self.world.clock.monotonic() - begun))
        return self.verdict

    def ready(self) -> None:  # noqa: B027 - most need nothing
        """See that what the job works with is here, before anything is made. Raises HostError."""

    @abstractmethod
    def begin(self) -> None:
        """What is done before the first step."""

    @abstractmethod
    def prepare(self, n: int, step: Step) -> None:
        """What everything else stands on."""

    @abstractmethod
    def load(self, n: int, step: Step) -> None:
        """A model, from its source to where it is served."""

    @abstractmethod
    def deploy(self, n: int, step: Step) -> None:
        """A service, started or started anew."""

    @abstractmethod
    def release(self, n: int, step: Step) -> None:
        """What is not wanted any more."""

    def remember(self) -> None:
        """Write down what the swarm is brought up as, for later commands."""
        places = self.world.places(self.spec.name)
        files.write_json(places.ports, dict(self.plan.ports))
        files.write_json(places.record, record(self.spec, self.plan).model_dump(mode="json"))

    def fetch(self, n: int, step: Step) -> GgufFacts:
        """A model into the store of this machine; what its file says of it."""
        return self.world.store.add(
            self.spec.models[step.subject],
            progress=lambda done, total: self.tell(Progress(n, step.subject, done, total)),
        ).facts

    def check(self, n: int, _step: Step) -> None:
        """All proofs. Raises HealthError when one failed."""
        record = self.world.require(self.spec.name)
        self.verdict = prove(record, self.world, tell=lambda text: self.tell(Progress(n, text)), depth="up")
        if not self.verdict.passed:
            raise HealthError(
                f"swarm '{self.spec.name}' is up but not healthy: {self.verdict.summary}",
                detail=self.verdict.failures(),
                hint=self.verdict.mend,
            )
