"""The one place of this room that tells time and waits for it."""

import asyncio
import time


def now() -> float:
    """Seconds on a clock that never goes back."""
    return time.monotonic()


async def pause(seconds: float) -> None:
    """Let the others run for so long."""
    await asyncio.sleep(seconds)
