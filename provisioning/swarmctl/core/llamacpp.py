"""What a llama.cpp server is told: flags of its command line, and the rounding that it applies."""

from swarmctl.core.engine import EngineFile

_CELLS = 256


def slot_context(context: int) -> int:
    """Tokens that a slot really holds: the server rounds up to a multiple of 256."""
    return -(-context // _CELLS) * _CELLS


def http_threads(parallel: int) -> int:
    """Threads that answer HTTP: one per slot, and some for health and metrics while all slots stream."""
    return parallel + 4


def keys_file(key_file: str) -> str:
    """Beside a key's file, one that holds the key twice: of a single key the server logs the last four letters."""
    return f"{key_file}s"


def server_argv(binary: str, engine: EngineFile) -> tuple[str, ...]:
    """The command line of `llama-server`; every value is explicit, the key stays in its file.

    Repacked weights are off: they cost a second copy of most matrices and five more seconds at the start,
    for a fifth more tokens per second.
    """
    values = {
        "--model": engine.blob,
        "--alias": engine.model,
        "--host": engine.host,
        "--port": engine.port,
        "--api-key-file": keys_file(engine.key_file),
        "--ctx-size": slot_context(engine.context) * engine.parallel,
        "--parallel": engine.parallel,
        "--cache-type-k": engine.kv,
        "--cache-type-v": engine.kv,
        "--flash-attn": "on" if engine.flash_attention else "off",
        "--threads": engine.threads,
        "--threads-batch": engine.threads,
        "--threads-http": http_threads(engine.parallel),
        "--batch-size": engine.batch,
        "--ubatch-size": engine.ubatch,
        "--cache-ram": engine.cache_ram,
        "--gpu-layers": engine.gpu_layers if engine.gpu_layers >= 0 else 999,
        "--sleep-idle-seconds": engine.keep_alive,
        "--fit": "off",
        "--log-verbosity": 4,
    }
    switches = (
        "--no-kv-unified", "--no-context-shift", "--no-repack", "--jinja", "--offline", "--no-webui", "--slots",
        "--metrics",
    )  # fmt: skip
    return (binary, *(str(word) for pair in values.items() for word in pair), *switches, *_edits(engine.adapters))


def _edits(adapters: tuple[str, ...]) -> tuple[str, ...]:
    """Loaded, and scaled to nothing."""
    return ("--lora-scaled", ",".join(f"{file}:0.0" for file in adapters)) if adapters else ()
