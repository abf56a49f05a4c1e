"""The supervisor's own log: one line an event, to standard error."""

import sys
import time
from contextlib import suppress


def log(text: str) -> None:
    """Write one line with the time in UTC; a full disk does not stop the supervisor."""
    with suppress(OSError):
        sys.stderr.write(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {text}\n")
        sys.stderr.flush()
