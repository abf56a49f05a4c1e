"""Steps as they happen: a line a step, a rate and a remaining time for what takes long."""

import time

from swarmctl.console import Console
from swarmctl.core.plan import Plan
from swarmctl.core.units import as_duration
from swarmctl.effects.execute import Progress, StepEnded

_MB = 1_000_000


class StepLines:
    """Follows one plan's execution on stderr."""

    def __init__(self, console: Console) -> None:
        self._console, self._plan = console, Plan("")
        self._begun: dict[int, float] = {}
        self._said: dict[int, float] = {}

    def follow(self, plan: Plan) -> None:
        """The plan whose steps come next."""
        self._plan = plan

    def note(self, text: str) -> None:
        """Something beside the steps."""
        self._console.redraw("")
        self._console.say(text)

    def __call__(self, event: Progress | StepEnded) -> None:
        """Draw one event."""
        if isinstance(event, StepEnded):
            self._console.redraw("")
            text = self._plan.steps[event.step - 1].text()
            self._console.say(
                f"#{event.step:<3} {text}  {self._console.style(f'{event.seconds:.1f} s', 'dim', to_stderr=True)}"
            )
            return
        now = time.monotonic()
        self._begun.setdefault(event.step, now)
        line = f"#{event.step:<3} {self._plan.steps[event.step - 1].verb}: {self._how_far(event, now)}"
        if self._console.lively:
            self._console.redraw(line[:110])
        elif now - self._said.get(event.step, 0) >= 10:
            self._said[event.step] = now
            self._console.say(line)

    def _how_far(self, event: Progress, now: float) -> str:
        if not event.done:
            return event.text
        seconds = max(now - self._begun[event.step], 0.001)
        rate = event.done / seconds
        text = f"{event.text} {event.done / _MB:.0f} MB"
        if event.total:
            left = as_duration((event.total - event.done) / rate)
            text += f" of {event.total / _MB:.0f} MB ({100 * event.done // event.total} %), {left} left"
        return f"{text}, {rate / _MB:.0f} MB/s"
