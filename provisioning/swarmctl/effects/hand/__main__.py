"""`python -m swarmctl.effects.hand BASE`: one order as JSON on stdin, what it came to as JSON lines on stdout."""

import json
import sys
import traceback
from pathlib import Path

from swarmctl.core.handtalk import failure, line
from swarmctl.effects.hand.there import ORDERS, world
from swarmctl.errors import HostError, SwarmctlError


def main(argv: list[str]) -> int:
    """Do it. Exit code 0 when it was done, 1 when it failed, which the last line says."""
    try:
        base = Path(argv[0])
        asked = json.load(sys.stdin)
        order = ORDERS[asked.pop("do")]
    except (IndexError, KeyError, TypeError, ValueError, AttributeError) as e:
        return _failed(HostError(f"the hand does not understand what is asked: {type(e).__name__}: {e}"))
    try:
        _say("done", order(world(base), lambda told: _say("tell", told), **asked))
    except SwarmctlError as e:
        return _failed(e)
    except Exception as e:  # noqa: BLE001 - whatever it was, it is said at the other end
        return _failed(HostError(f"the hand failed: {type(e).__name__}: {e}", detail=traceback.format_exc()[-2000:]))
    return 0


def _failed(e: SwarmctlError) -> int:
    _say("failed", failure(e))
    return 1


def _say(kind: str, value: object) -> None:
    print(line(kind, value), flush=True)  # noqa: T201 - this is its product


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
