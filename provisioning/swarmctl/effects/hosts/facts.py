"""One look at a machine over SSH: cores, memory, disk, cards, Docker, and what the user may do there."""

from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex

from swarmctl.core.hostfacts import HostFacts, read_facts
from swarmctl.effects.hosts.ssh import Line
from swarmctl.effects.machine import gpus
from swarmctl.errors import HostError

_SCRIPT = Path(__file__).with_name("facts.sh")
_MOST_SAID = 400


def look(line: Line, *, folder: str = "/", images: Sequence[str] = (), seconds: float = 60) -> HostFacts:
    """What it is and has now, by one command; a POSIX shell is all that it needs there.

    folder: whose disk counts; it need not exist. images: names in its Docker, to be told which of them are there.
    Raises HostError where it cannot be reached, and where it does not say what it must.
    """
    token = f"part-{token_hex(8)}"
    argv = ["sh", "-s", "--", token, folder, *images]
    done = line.run(argv, stdin=_SCRIPT.read_bytes(), seconds=seconds)
    try:
        return read_facts(done.stdout, token, images, gpus)
    except ValueError as e:
        said = (done.stderr.strip() or done.stdout.strip())[-_MOST_SAID:]
        shown = "".join(c if c.isprintable() or c == "\n" else " " for c in said)
        detail = f"exit {done.code}\n{shown}".strip()
        raise HostError(f"{line.host.name}: {e}", detail=detail, hint="is it a Linux machine with a shell?") from None
