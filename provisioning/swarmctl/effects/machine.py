"""This machine: cores, memory, disk, GPUs."""

import os
import platform
import re
import shutil
from pathlib import Path

import psutil

from swarmctl.core.machine import Gpu, Machine
from swarmctl.effects.process import run
from swarmctl.errors import HostError

_MIB = 1024 * 1024
_NONE = "No devices were found"
"""How nvidia-smi says, as a failure, that all is well and there is no card."""


def look(folder: Path) -> Machine:
    """Cores that may be used, memory in MiB (a container's limit counts), and space on the folder's disk."""
    memory = psutil.virtual_memory()
    total, free = memory.total // _MIB, memory.available // _MIB
    if (limit := _memory_limit()) is not None and limit < total:
        free = min(free, limit - _memory_used())
        total = limit
    cards, problem = _gpus()
    return Machine(
        name=platform.node(),
        system=f"{platform.system()} {platform.machine()}",
        cores=_cores(),
        ram_total=total,
        ram_free=max(0, free),
        disk_free=shutil.disk_usage(_existing(folder)).free // _MIB,
        gpus=cards,
        avx2=_avx2(),
        gpu_problem=problem,
    )


def _avx2(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether an x86 processor that Linux describes has AVX2; True for all that are not described so."""
    try:
        with cpuinfo.open(encoding="ascii", errors="replace") as file:
            flags = next((line for line in file if line.startswith("flags")), "avx2")
    except OSError:
        return True
    return "avx2" in flags.split()


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


def _gpus() -> tuple[tuple[Gpu, ...], str]:
    """What nvidia-smi lists, and why it lists nothing where it is here and fails.

    `compute_cap` is known to drivers since 510; an older one refuses the whole query, so it is asked again without.
    """
    if not shutil.which("nvidia-smi"):
        return (), ""
    problem = ""
    for fields in ("name,memory.total,compute_cap,uuid", "name,memory.total,uuid"):
        argv = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
        try:
            done = run(argv, timeout=10, check=False)
        except HostError as e:
            return (), e.message
        if done.code == 0:
            return gpus(done.stdout), ""
        problem = next(iter((done.stdout + done.stderr).strip().splitlines()), f"exit {done.code}")[:200]
    return (), "" if _NONE in problem else problem


def gpus(text: str) -> tuple[Gpu, ...]:
    """Cards from nvidia-smi's CSV: name, MiB, then capability and UUID as far as they were asked for.

    Rows that are none are left out.
    """
    found = []
    for line in text.splitlines():
        name, *numbers = [part.strip() for part in line.split(",")]
        if not numbers or not numbers[0].isdigit():
            continue
        capability = next((part for part in numbers[1:] if re.fullmatch(r"\d+\.\d", part)), "")
        uuid = next((part for part in numbers[1:] if part.startswith("GPU-")), "")
        found.append(Gpu(name, int(numbers[0]), capability, uuid))
    return tuple(found)
