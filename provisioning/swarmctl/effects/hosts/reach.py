"""A machine that is booting: its addresses are tried in turn until one answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from swarmctl.core.hosts import Host
from swarmctl.core.leasing.lease import Address
from swarmctl.effects.clock import Clock
from swarmctl.effects.hosts.ssh import Line
from swarmctl.effects.hosts.sshsaid import Trouble, error, sentence
from swarmctl.errors import HostError

_EVERY = 2.0
_PATIENCE = 5.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Reached:
    """The line that answers, at which of the addresses, after how many seconds."""

    line: Line
    address: Address
    seconds: float


def reach(
    host: Host, addresses: Callable[[], Sequence[Address]], folder: Path, say: Say, *, clock: Clock, seconds: float
) -> Reached:
    """Wait until a command has run there. The first address that lets one run wins; each round asks anew which
    there are, since a market tells of ports late.

    say: is told what is waited for, each time that changes. Raises HostError after `seconds`, with what was wrong at
    each address, and at once where waiting mends it at none: another host key, a name or settings that are wrong.
    """
    begun = clock.monotonic()
    told = ""
    while True:
        wrong: list[tuple[Host, Trouble]] = []
        for address in addresses():
            there = replace(host, address=address.host, port=address.port)
            line = Line(there, folder, patience=_PATIENCE)
            found = line.trouble()
            if found is None:
                return Reached(line, address, clock.monotonic() - begun)
            wrong.append((there, found))
        if wrong and not any(found.passes for _, found in wrong):
            raise error(*wrong[0])
        waits = "; ".join(sentence(*one) for one in wrong) or "no address of it is known yet"
        if waits != told:
            say(f"{host.name}: {waits}")
            told = waits
        left = begun + seconds - clock.monotonic()
        if left <= 0:
            raise _given_up(host, wrong, waits, seconds)
        clock.sleep(min(_EVERY, left))


def _given_up(host: Host, wrong: list[tuple[Host, Trouble]], waits: str, seconds: float) -> HostError:
    detail = "\n".join(found.words for _, found in wrong if found.words)
    hint = error(*wrong[-1]).hint if wrong else ""
    return HostError(f"{host.name} cannot be reached within {seconds:g} s: {waits}", detail=detail, hint=hint)
