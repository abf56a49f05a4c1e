"""Which fault strikes when: rules from a line of text, counted so that a restart forgets nothing."""

import math
from dataclasses import dataclass, field

from swarmctl.market.catalogue import BY_NAME, Fault
from swarmctl.market.draw import Draw
from swarmctl.market.wire import Json

OPTIONS = (
    "once, times=N, call=N, rate=P, machine=ID, contract=ID, after=S, seconds=S, percent=N, "
    "and on=OPERATION+OPERATION for faults of calls"
)


@dataclass(slots=True)
class Rule:
    """A fault, and when it strikes: always, `times` times, at the `call`th chance only, or at a `rate`.

    on, machine, contract narrow what it may strike. seen: chances that it had; hits: those it took.
    """

    name: str
    times: int | None = None
    rate: float | None = None
    call: int | None = None
    on: tuple[str, ...] = ()
    machine: int | None = None
    contract: int | None = None
    after: float = 0.0
    seconds: float = 0.0
    percent: float = 0.0
    seen: int = 0
    hits: int = 0
    text: str = field(default="", compare=False)

    def concerns(self, operation: str, machine: int | None, contract: int | None) -> bool:
        """Whether this is a chance for it."""
        return (
            ("any" in self.on or operation in self.on or not self.on)
            and self.machine in {None, machine}
            and self.contract in {None, contract}
        )

    def strikes(self, seed: int, place: int) -> bool:
        """Takes the chance, or lets it go."""
        self.seen += 1
        hit = self.times is None or self.hits < self.times
        hit = hit and (self.call is None or self.seen == self.call)
        hit = hit and (self.rate is None or Draw(seed, "fault", place, self.name, self.seen).unit() < self.rate)
        self.hits += hit
        return hit

    def dump(self) -> Json:
        """As it is kept."""
        return {"text": self.text, "seen": self.seen, "hits": self.hits}


def parse(spec: str) -> list[Rule]:
    """Rules from `name:option:option=value,name…`. Raises ValueError that says what is wrong and what there is."""
    return [_rule(one.strip()) for one in spec.split(",") if one.strip()]


def load(kept: Json) -> Rule:
    """A rule as it was kept."""
    rule = _rule(kept["text"])
    rule.seen, rule.hits = kept["seen"], kept["hits"]
    return rule


def _rule(text: str) -> Rule:
    name, *options = (part.strip() for part in text.split(":"))
    fault = BY_NAME.get(name)
    if fault is None:
        raise ValueError(f"{name!r} is no fault; there are {', '.join(BY_NAME)}")
    rule = Rule(name, on=fault.on, after=fault.after, seconds=fault.seconds, percent=fault.percent, text=text)
    for option in options:
        _set(rule, fault, option)
    return rule


def _set(rule: Rule, fault: Fault, option: str) -> None:
    word, _, value = option.partition("=")
    if word == "once" and not value:
        rule.times = 1
    elif word in {"times", "call", "machine", "contract"}:
        setattr(rule, word, _whole(option, value))
    elif word in {"after", "seconds", "percent"}:
        setattr(rule, word, _number(option, value, 1e9))
    elif word == "rate":
        rule.rate = _number(option, value, 1)
    elif word == "on" and value and fault.place in {"before", "after"}:
        rule.on = tuple(value.split("+"))
    else:
        raise ValueError(f"{option!r} is no option of {rule.name}; there are {OPTIONS}")


def _whole(option: str, value: str) -> int:
    if not value.isascii() or not value.isdigit() or not 0 < int(value) < 1 << 62:
        raise ValueError(f"{option!r} takes a whole number from 1")
    return int(value)


def _number(option: str, value: str, most: float) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 <= number <= most:
        raise ValueError(f"{option!r} takes a number from 0 to {most:g}")
    return number
