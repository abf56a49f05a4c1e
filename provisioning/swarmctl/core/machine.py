"""A machine as the plan sees it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gpu:
    """One graphics card; memory in MiB as the driver reports it; capability empty where the driver is too old.

    uuid: the driver's, which stays with the card when others come or go; empty where it was not said.
    """

    name: str
    memory: int
    capability: str = ""
    uuid: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """Cores that this process may use, memory in MiB (total, and free for new processes), and GPUs.

    avx2: the processor has the instructions that engines' fast code needs; others are not asked and count as such.
    gpu_problem: why nvidia-smi, where it is installed, does not say which cards there are.
    """

    name: str
    system: str
    cores: int
    ram_total: int
    ram_free: int
    disk_free: int
    gpus: tuple[Gpu, ...] = ()
    avx2: bool = True
    gpu_problem: str = ""
