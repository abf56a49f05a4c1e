"""What a command line and the agents say to each other inside A2A data parts."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Message(BaseModel):
    """Base: frozen, and strict about keys, since both ends are ours."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Usage(Message):
    """What one piece of work used; seconds are wall time spent waiting for the model."""

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        """The sum of two."""
        return Usage(
            requests=self.requests + other.requests,
            tokens_in=self.tokens_in + other.tokens_in,
            tokens_out=self.tokens_out + other.tokens_out,
            seconds=self.seconds + other.seconds,
        )


class Step(Message):
    """One step of the team's plan; `depends` are positions in the plan's list, counted from 1."""

    role: str
    title: str
    files: tuple[str, ...] = ()
    depends: tuple[int, ...] = ()
    accept: str = ""


class TeamPlan(Message):
    """The orchestrator's plan; origin says whether the model made it or the rule that stands in for it."""

    steps: tuple[Step, ...]
    origin: Literal["model", "repaired", "rule"]
    notes: tuple[str, ...] = ()


class RunOrder(Message):
    """`swarmctl run`: command line → orchestrator. The base commit is already pushed as refs/swarm/<id>/base.

    mode: `team` (hierarchical), `flat` (each role answers the task on its own), `plan` (the plan only).
    test: command that checks each step, or None. unsandboxed: the user allowed tests without a sandbox.
    timeout: seconds for the whole run.
    """

    kind: Literal["run"] = "run"
    id: str
    task: str
    base: str
    mode: Literal["team", "flat", "plan"] = "team"
    roles: tuple[str, ...] = ()
    test: str | None = None
    unsandboxed: bool = False
    elsewhere: bool = False
    """Tests are left to whoever follows the run, wherever the agents run."""
    timeout: int = 3600


class StepOrder(Message):
    """One step: orchestrator → specialist. The specialist clones `git`, works on `commit`, and pushes to `push`."""

    kind: Literal["step"] = "step"
    run: str
    number: int
    task: str
    step: Step
    git: str
    commit: str
    push: str
    notes: str = ""
    """What a failed test or the review said of the last try."""
    interfaces: str = ""
    """Signatures from other files that this step may rely on."""


UNCHANGED = "the answer changes nothing"
"""Problem of a step whose files are in the answer as they are in the repository."""


class StepDone(Message):
    """What a specialist answers to a StepOrder.

    commit: what was pushed, or None when nothing could be written; `problem` then says why.
    cut: sentences on everything that a limit or guard cut or retried.
    transcript: every request and answer, as role/content pairs with their usage.
    """

    kind: Literal["step-done"] = "step-done"
    number: int
    commit: str | None
    files: tuple[str, ...] = ()
    answer: str = ""
    problem: str = ""
    usage: Usage = Usage()
    cut: tuple[str, ...] = ()
    transcript: tuple[dict[str, Any], ...] = ()


class TestResult(Message):
    """Outcome of the test command; `sandbox` names what it ran in (bubblewrap, docker, namespaces, none).

    image: that of the container, where the sandbox was one.
    """

    verdict: Literal["passed", "failed", "not run"]
    sandbox: str = ""
    image: str = ""
    tail: str = ""


class CheckOrder(Message):
    """A commit to be put to the test command: orchestrator → whoever follows the run.

    lease: seconds after which the order is given to somebody else, unless its holder renews it before.
    """

    id: str = Field(pattern=r"^[0-9a-f]{16}$")
    run: str
    commit: str = Field(pattern=r"^[0-9a-f]{40,64}$")
    command: str
    lease: float = Field(gt=0, le=600, allow_inf_nan=False)


class CheckTake(Message):
    """Asks for a test of a run: follower → orchestrator. wait: seconds that the answer may take."""

    run: str
    holder: str = Field(min_length=8, max_length=64)
    wait: float = Field(0.0, ge=0, le=10, allow_inf_nan=False)


class CheckHold(Message):
    """The holder of a test is still at it: follower → orchestrator."""

    id: str
    holder: str


class CheckDone(Message):
    """What a test came to: follower → orchestrator."""

    id: str
    holder: str
    result: TestResult


class StepResult(Message):
    """One step as the result tells it; `merged` only when its commit is on the result branch."""

    number: int
    step: Step
    merged: bool
    commit: str | None = None
    attempts: int = 1
    test: TestResult = TestResult(verdict="not run")
    review: str = ""
    problem: str = ""
    usage: Usage = Usage()
    cut: tuple[str, ...] = ()
    answer: str = ""


class RunResult(Message):
    """What a run came to. verdict: `done`, `partial` (some steps merged), `failed` or `cancelled`.

    branch: the branch's name in the user's repository; head: its tip, None when nothing was merged.
    by_role: usage per role, the orchestrator's own included. answers: flat runs, per role.
    """

    kind: Literal["result"] = "result"
    id: str
    task: str
    verdict: Literal["done", "partial", "failed", "cancelled"]
    base: str
    branch: str
    head: str | None = None
    plan: TeamPlan | None = None
    steps: tuple[StepResult, ...] = ()
    answers: dict[str, str] = Field(default_factory=dict)
    by_role: dict[str, Usage] = Field(default_factory=dict)
    problems: tuple[str, ...] = ()
    cut: tuple[str, ...] = ()
    seconds: float = 0.0


class RunEvent(Message):
    """Progress of a run, as it happens: orchestrator → command line.

    event: `plan`, `step-started`, `step-answer`, `step-test`, `step-merged`, `step-failed`, `review`, `note`.
    """

    kind: Literal["event"] = "event"
    event: str
    role: str = ""
    number: int | None = None
    text: str = ""
    data: dict[str, Any] = Field(default_factory=dict)


class ChatOrder(Message):
    """`swarmctl chat ROLE`: one turn; history is the conversation so far as role/content pairs."""

    kind: Literal["chat"] = "chat"
    text: str
    history: tuple[tuple[str, str], ...] = ()


class ChatDone(Message):
    """The answer to a ChatOrder."""

    kind: Literal["chat-done"] = "chat-done"
    text: str
    usage: Usage = Usage()
    cut: tuple[str, ...] = ()
