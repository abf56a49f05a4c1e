"""The environment that a placement gives an Ollama server: everything written, nothing left to its tiers."""

from collections.abc import Mapping, Sequence

from swarmctl.core.engines.engine import Engine
from swarmctl.core.engines.spinning import SPINNING
from swarmctl.core.placement.placement import Process

PORT = 11434
_SLOW = 100.0
"""MB/s of a slow network disk, by which the time limit for loading is set."""
_LEAST_MINUTES = 10


def ollama_environment(
    engine: Engine, processes: Sequence[Process], max_loaded: int, keep_alive: int, *, port: int = PORT
) -> Mapping[str, str]:
    """Variables for the server of one card. processes: those on it. keep_alive: seconds, -1 for ever.

    keep_alive is that of the specialists: the orchestrator's own comes with the request that loads it. Each model's
    num_ctx and `num_batch 512` stand in its Modelfile. Ollama below 0.30 knows no LLAMA_ARG_ variables.
    """
    first = processes[0].serving
    found = {
        "OLLAMA_HOST": f"127.0.0.1:{port}",
        "OLLAMA_MAX_LOADED_MODELS": str(max_loaded),
        "OLLAMA_NUM_PARALLEL": str(max(process.serving.parallel for process in processes)),
        "OLLAMA_KEEP_ALIVE": "-1" if keep_alive < 0 else f"{keep_alive}s",
        "OLLAMA_CONTEXT_LENGTH": str(max(process.serving.context for process in processes)),
        "OLLAMA_FLASH_ATTENTION": "1" if first.flash_attention else "0",
        "OLLAMA_KV_CACHE_TYPE": first.kv,
        "OLLAMA_LOAD_TIMEOUT": f"{_minutes(processes)}m",
        "OLLAMA_NO_CLOUD": "1",
        **SPINNING,
    }
    if engine.rules == "ollama 0.30":
        found["LLAMA_ARG_CACHE_RAM"] = str(first.cache_ram)
        found["LLAMA_ARG_FIT_TARGET"] = str(engine.margin)
        if any(process.serving.device == "experts-on-cpu" for process in processes):
            found["LLAMA_ARG_CPU_MOE"] = "1"
    return found


def _minutes(processes: Sequence[Process]) -> int:
    """Twice what the largest file takes from a slow disk."""
    largest = max(process.weights.total for process in processes)
    return max(_LEAST_MINUTES, round(2 * largest / 1e6 / _SLOW / 60))
