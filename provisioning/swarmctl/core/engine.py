"""What one llama.cpp server process is told: a settings file without secrets."""

from pydantic import BaseModel, ConfigDict

FEW = 4
"""Threads of a process whose layers are all on a card: they only prepare and sample."""


class EngineFile(BaseModel):
    """One server, one model; every value explicit.

    context: tokens per slot (the server's own `-c` is context × parallel). cache_ram: MiB.
    keep_alive: seconds until an idle model is put to sleep, -1 for never.
    gpu_layers: 0 keeps the model on the CPU, -1 puts all of it on the GPU.
    adapters: files of edits of the model, in the order of their ids; each counts only where a request says so.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    swarm: str
    model: str
    blob: str
    host: str = "127.0.0.1"
    port: int
    key_file: str
    context: int
    parallel: int
    kv: str
    flash_attention: bool
    threads: int
    cache_ram: int
    keep_alive: int
    gpu_layers: int
    batch: int = 512
    ubatch: int = 512
    adapters: tuple[str, ...] = ()
