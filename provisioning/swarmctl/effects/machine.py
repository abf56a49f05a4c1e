"""This machine: cores, memory, disk, GPUs."""

import os
import platform
import shutil
from pathlib import Path

import psutil

from swarmctl.core.machine import Gpu, Machine
from swarmctl.effects.process import run
from swarmctl.errors import HostError

_MIB = 1024 * 1024


def look(folder: Path) -> Machine:
    """Cores that may be used, memory in MiB (a container's limit counts), and space on the folder's disk."""
    memory = psutil.virtual_memory()
    total, free = memory.total // _MIB, memory.available // _MIB
    if (limit := _memory_limit()) is not None and limit < total:
        free = min(free, limit - _memory_used())
        total = limit
    return Machine(
        name=platform.node(),
        system=f"{platform.system()} {platform.machine()}",
        cores=_cores(),
        ram_total=total,
        ram_free=max(0, free),
        disk_free=shutil.disk_usage(_existing(folder)).free // _MIB,
        gpus=_gpus(),
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _existing(folder: Path) -> Path:
    return next(p for p in (folder, *folder.parents) if p.exists())


def _memory_limit() -> int | None:
    """MiB that the control group allows, where there is one."""
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            text = Path(name).read_text(encoding="ascii").strip()
        except OSError:
            continue
        return int(text) // _MIB if text.isdigit() else None
    return None


def _memory_used() -> int:
    for name in ("/sys/fs/cgroup/memory.current", "/sys/fs/cgroup/memory/memory.usage_in_bytes"):
        try:
            return int(Path(name).read_text(encoding="ascii")) // _MIB
        except OSError:
            continue
    return 0


def _gpus() -> tuple[Gpu, ...]:
    """What nvidia-smi lists; nothing where it is missing or fails."""
    if not shutil.which("nvidia-smi"):
        return ()
    query = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        lines = run(query, timeout=10).stdout.splitlines()
    except HostError:
        return ()
    rows = [line.rsplit(",", 1) for line in lines if line.count(",") >= 1]
    return tuple(Gpu(name.strip(), int(memory)) for name, memory in rows if memory.strip().isdigit())
