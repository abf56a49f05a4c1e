"""Since when a process runs."""

import psutil

from swarmctl.effects.clock import Clock


def born(pid: int | None) -> float | None:
    """When a process started, in seconds since the epoch; None when it does not run."""
    try:
        process = psutil.Process(pid) if pid else None
        alive = process is not None and process.status() != psutil.STATUS_ZOMBIE
        return process.create_time() if process and alive else None
    except psutil.Error:
        return None


def age(pid: int | None, clock: Clock) -> float | None:
    """Seconds that a process runs; None when it does not."""
    began = born(pid)
    return None if began is None else max(0.0, clock.now().timestamp() - began)
