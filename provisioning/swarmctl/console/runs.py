"""A run as people read it: who does what while it goes on, and what came of it."""

from collections.abc import Sequence

from swarmctl.commands.run import Outcome
from swarmctl.console import Console
from swarmctl.core.messages import RunEvent, RunResult, TeamPlan, Usage
from swarmctl.core.team.sandbox import PROTECTS
from swarmctl.effects.transcripts import Transcript


class RunLines:
    """Follows one run on stderr, a line an event."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, event: RunEvent) -> None:
        """Say one event."""
        number = f"#{event.number} " if event.number is not None else ""
        role = f"{event.role:<13}" if event.role else " " * 13
        name = self._console.style(f"{event.event:<12}", "dim", to_stderr=True)
        first, *rest = event.text.splitlines() or [""]
        self._console.say(f"{name} {role} {number}{first}")
        for line in rest:
            self._console.say(" " * 27 + line)


def show_transcript(console: Console, transcript: Transcript) -> None:
    """A run that ended, with every request and answer as the agents saw them."""
    if console.as_json:
        result = transcript.result.model_dump(mode="json")
        console.json({"schema": "swarmctl/transcript/v1", **result, "transcript": list(transcript.entries)})
        return
    for entry in transcript.entries:
        console.data(console.style(f"--- {entry.get('agent', '?')}: {entry.get('about', '')}", "bold"))
        for message in entry.get("messages", []):
            console.data(f"[{message['role']}]\n{message['content']}\n")
        console.data(f"[answer, {entry.get('finish', '?')}]\n{entry.get('answer', '')}\n")
    show_outcome(console, Outcome(transcript.result))


def show_outcome(console: Console, outcome: Outcome) -> None:
    """The plan, the steps, the branch and its diff, what each role used, what was cut."""
    result = outcome.result
    if console.as_json:
        commits = [{"commit": h, "author": who, "title": title} for h, who, title in outcome.commits]
        console.json(
            {"schema": "swarmctl/run/v1", **result.model_dump(mode="json"), "commits": commits, "diff": outcome.diff}
        )
        return
    if result.plan is not None:
        _plan(console, result.plan)
    _steps(console, result)
    for role, answer in sorted(result.answers.items()):
        console.data(f"\n{console.style(role, 'bold')}\n{answer.strip()}")
    if outcome.commits:
        console.data(f"\n{console.style(f'branch {result.branch}', 'bold')}")
        console.data("\n".join(f"  {h}  {who:<14} {title}" for h, who, title in outcome.commits))
        console.data("\n" + outcome.diff)
    _used(console, result.by_role)
    _listed(console, "cut", result.cut)
    _listed(console, "problem", result.problems)
    console.data(f"\nrun {result.id}: {_verdict(console, result)} in {result.seconds:.1f} s")
    if result.head is not None:
        console.data(f"take it: git merge {result.branch}   look again: swarmctl run --show {result.id}")


def _plan(console: Console, plan: TeamPlan) -> None:
    console.data(f"\n{console.style('plan', 'bold')} (by {'a rule' if plan.origin == 'rule' else 'the orchestrator'})")
    for number, step in enumerate(plan.steps, 1):
        after = f" after {', '.join(f'#{d}' for d in step.depends)}" if step.depends else ""
        console.data(f"  #{number} {step.role:<13} {step.title}  [{', '.join(step.files)}]{after}")
    _listed(console, "note", plan.notes)


def _steps(console: Console, result: RunResult) -> None:
    if not result.steps:
        return
    rows = []
    for step in result.steps:
        outcome = "merged" if step.merged else "not merged"
        tries = "once" if step.attempts == 1 else f"{step.attempts} times"
        inside = f"{step.test.sandbox} ({step.test.image})" if step.test.image else step.test.sandbox
        tested = step.test.verdict + (f" in {inside}" if inside else "")
        rows.append([f"#{step.number}", step.step.role, outcome, tries, tested, step.problem[:60]])
    console.data("\n" + console.table(["step", "role", "outcome", "tried", "test", ""], rows))
    for sandbox in sorted({step.test.sandbox for step in result.steps} - {""}):
        console.data(f"tested in {sandbox}: {PROTECTS.get(sandbox, 'unknown')}")


def _used(console: Console, by_role: dict[str, Usage]) -> None:
    rows = [
        [
            role,
            u.requests,
            u.tokens_in,
            u.tokens_out,
            round(u.seconds, 1),
            round(u.tokens_out / u.seconds, 1) if u.seconds else 0.0,
        ]
        for role, u in sorted(by_role.items())
    ]
    if rows:
        console.data("\n" + console.table(["role", "requests", "tokens in", "tokens out", "seconds", "tokens/s"], rows))


def _listed(console: Console, word: str, sentences: Sequence[str]) -> None:
    for sentence in sentences:
        console.data(f"{console.style(word, 'yellow')}: {sentence}")


def _verdict(console: Console, result: RunResult) -> str:
    return console.style(result.verdict, "green" if result.verdict == "done" else "red")
