"""A machine as the plan sees it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gpu:
    """One graphics card; memory in MiB as the driver reports it."""

    name: str
    memory: int


@dataclass(frozen=True, slots=True)
class Machine:
    """Cores that this process may use, memory in MiB (total, and free for new processes), and GPUs."""

    name: str
    system: str
    cores: int
    ram_total: int
    ram_free: int
    disk_free: int
    gpus: tuple[Gpu, ...] = ()
