"""One process put together: which bytes are on the GPU and which on the host."""

from dataclasses import replace

from swarmctl.core.memory.compute import host_bytes, layers_bytes
from swarmctl.core.memory.kv import DRAFTED, kv_bytes, tokens
from swarmctl.core.memory.need import Need, Part
from swarmctl.core.memory.serving import Serving
from swarmctl.core.memory.stages import routed
from swarmctl.core.memory.sums import Sums, sums
from swarmctl.core.model import Model, Weights

_MIB = 1024.0 * 1024.0

CUDA = 457.0
"""MiB that a process takes on a GPU before any buffer: its context and kernels. Ollama's constant for CUDA
(ml/device.go, MinimumMemory), paid once a process; no GPU was measured."""

_BASE = {"wheel": 50.0, "binary": 17.0}
"""MiB of the process before any model: libraries, HTTP threads, and in the wheel an interpreter (Linux x86_64)."""

_TOKEN = 430
"""Bytes that one entry of the vocabulary takes with its merges and look-up tables (measured, 49k and 152k)."""

_STALE = 3
"""Compute buffers that the allocator holds beside the one in use (measured: 3.2 of 7.6 MiB after 48 changes of six
adapters, 2 to 3 on the way there)."""

_MAPPED = 32.0
"""MiB from which on glibc gives a freed block back at once (M_MMAP_THRESHOLD_MAX)."""

_PROJECTOR = 0.5
"""Share of a vision projector's size that one image takes while it is read; a bound, not measured."""


def need(model: Model, weights: Weights, serving: Serving, outputs: int) -> Need:
    """MiB of one process. outputs: rows of logits that its compute buffer has room for."""
    gpu, host = _buffers(model, weights, serving, outputs)
    exact = model.exact and not serving.projector
    if serving.draft:
        guess = replace(serving, kv=serving.draft.kv, draft=None, adapters=0, projector=0)
        more = _buffers(serving.draft.model, serving.draft.weights, guess, outputs // (1 + DRAFTED))
        gpu, host, exact = gpu + more[0], host + more[1], exact and serving.draft.model.exact
    host += Part(other=_BASE[serving.server] + model.vocab * _TOKEN / _MIB, kept=_kept(serving, host))
    if serving.device != "cpu":
        gpu += Part(other=CUDA)
    return Need(gpu, host, exact)


def _kept(serving: Serving, host: Part) -> float:
    """A request for another adapter than the one before makes the compute buffer anew."""
    return _STALE * host.compute if serving.adapters and host.compute < _MAPPED else 0.0


def _buffers(model: Model, weights: Weights, serving: Serving, outputs: int) -> tuple[Part, Part]:
    """What one model takes on the GPU and on the host, without what a process takes once."""
    held = sums(model)
    kv = kv_bytes(model, held, serving) / _MIB
    layers = layers_bytes(model, held, serving, outputs) / _MIB
    output = serving.parallel * model.vocab * 4 / _MIB
    extra = (serving.adapters + serving.projector) / _MIB
    image = _PROJECTOR * serving.projector / _MIB
    if serving.device == "cpu":
        inputs = 4.0 * tokens(serving) * model.width / _MIB
        return Part(), Part(weights.total / _MIB + extra, kv, layers + inputs + image, output)
    away = weights.embedding
    here = weights.rest + (weights.output or weights.embedding)
    if serving.device == "experts-on-cpu":
        away += weights.experts
        offload = _offload(model, weights, serving, held) / _MIB
    else:
        here += weights.experts
        offload = 0.0
    return (
        Part(here / _MIB + extra, kv, layers + image, other=offload),
        Part(away / _MIB, 0.0, host_bytes(model, held, serving) / _MIB, output),
    )


def _offload(model: Model, weights: Weights, serving: Serving, held: Sums) -> float:
    """Bytes that experts on the host take of a CUDA card all the same: prompts of 32 tokens and more are sent there
    with a copy of one expert tensor at a time (`op_offload`; two thirds of a layer's experts where gate and up are
    one tensor), through the experts' own stage. An RPC device cannot, so this is read from the code, not measured.
    """
    if not held.mixers:
        return 0.0
    stage = max(routed(model, layer) for layer in held.kinds)
    return weights.experts / held.mixers * 2 / 3 + 4.0 * tokens(serving) * stage
