"""An engine's settings file, as the parameters of the server in the wheel: every value explicit."""

from typing import Any

import xllamacpp

from swarmctl.core.engine import EngineFile
from swarmctl.core.llamacpp import http_threads, slot_context

_KV = {
    "f16": xllamacpp.ggml_type.GGML_TYPE_F16,
    "q8_0": xllamacpp.ggml_type.GGML_TYPE_Q8_0,
    "q4_0": xllamacpp.ggml_type.GGML_TYPE_Q4_0,
}


def parameters(engine: EngineFile, key: str) -> Any:
    """The parameters of one server. Raises KeyError for a KV type that is not in our list."""
    p = xllamacpp.CommonParams()
    p.model.path = engine.blob
    p.model_alias = {engine.model}
    _listening(p, engine, key)
    _memory(p, engine)
    p.lora_adapters = [_silent(file) for file in engine.adapters]
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = engine.threads
    p.n_threads_http = http_threads(engine.parallel)
    p.n_gpu_layers = engine.gpu_layers if engine.gpu_layers >= 0 else 999
    p.fit_params = False
    p.offline = True
    p.warmup = True
    p.use_jinja = True
    p.verbosity = 4  # the lowest that logs the buffer sizes; prompts appear at 5
    return p


def _silent(file: str) -> Any:
    """An adapter that counts only where a request says so."""
    one = xllamacpp.CommonAdapterLoraInfo()
    one.path, one.scale = file, 0.0
    return one


def _listening(p: Any, engine: EngineFile, key: str) -> None:
    p.hostnames = [engine.host]
    p.port = engine.port
    p.reuse_port = False
    p.api_keys = [key, key]  # of a single key the server logs the last four letters, of two the count
    p.ui = False
    p.cors_origins = f"http://{engine.host}:{engine.port}"
    p.endpoint_slots = True
    p.endpoint_metrics = True
    p.endpoint_props = False  # this is POST only: nobody may change settings; reading them always works
    p.sleep_idle_seconds = engine.keep_alive


def _memory(p: Any, engine: EngineFile) -> None:
    attention = xllamacpp.llama_flash_attn_type
    p.n_parallel = engine.parallel
    p.n_ctx = slot_context(engine.context) * engine.parallel
    p.kv_unified = False
    p.cont_batching = True
    p.ctx_shift = False
    p.cache_type_k = p.cache_type_v = _KV[engine.kv]
    p.flash_attn_type = (
        attention.LLAMA_FLASH_ATTN_TYPE_ENABLED if engine.flash_attention else attention.LLAMA_FLASH_ATTN_TYPE_DISABLED
    )
    p.n_batch = engine.batch
    p.n_ubatch = engine.ubatch
    p.cache_prompt = True
    p.cache_ram_mib = engine.cache_ram
    p.cache_idle_slots = engine.cache_ram > 0
    p.load_mode = xllamacpp.llama_load_mode.LLAMA_LOAD_MODE_MMAP
    p.no_extra_bufts = True  # repacked weights: see core/llamacpp.py
