"""Which tensors of the GGUF file each published tensor went into, by llama.cpp's own map of names."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import gguf

_EXPERT = re.compile(r"\.experts\.\d+\.")
LAYER = re.compile(r"(?:^|\.)layers\.(\d+)\.")
"""Finds a layer's number in a published name."""
_LEFT_OUT = (
    (re.compile(r"rotary_emb\.inv_freq$|rotary_pos_emb|masked_bias$|attn\.bias$"), "made anew from config.json"),
    (re.compile(r"vision|visual|multi_modal_projector|mm_projector|audio|image_newline"), "not the language model"),
)
MADE = frozenset({"rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"})
"""What the script makes from config.json."""


@dataclass
class Placed:
    """Where everything went. groups: tensors of the GGUF file → the published ones that make them up.

    dropped: published tensor → why it may be left out. unplaced: published, without a known place. missing: in the
    GGUF file, from nowhere.
    """

    groups: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    dropped: dict[str, str] = field(default_factory=dict)
    unplaced: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def place(published: Iterable[str], targets: Collection[str], arch: str, layers: int, config: dict[str, Any]) -> Placed:
    """By the names alone."""
    kinds = {name: kind for kind, name in gguf.MODEL_ARCH_NAMES.items()}
    names = gguf.get_tensor_name_map(kinds[arch], layers) if arch in kinds else None
    found = Placed()
    for name in published:
        into = _into(name, names) if names else None
        into = tuple(target for target in into or () if target in targets)
        why = None if into else _why(name, config)
        if into:
            found.groups.setdefault(into, []).append(name)
        elif why:
            found.dropped[name] = why
        else:
            found.unplaced.append(name)
    fed = {target for into in found.groups for target in into} | MADE
    found.missing = sorted(set(targets) - fed)
    return found


def _into(name: str, names: gguf.TensorNameMap) -> tuple[str, ...] | None:
    plain = _EXPERT.sub(".experts.", name)
    plain = re.sub(r"^(?:model\.)?language_model\.(?:model\.)?(?=layers|embed|norm)", "model.", plain)
    plain = re.sub(r"^(?:model\.)?language_model\.(?=lm_head)", "", plain)
    if ".kv_b_proj." in plain:
        # Latent attention: keys and values are stored apart.
        parts = [plain.replace("kv_b_proj", part) for part in ("k_b_proj", "v_b_proj")]
    elif plain.endswith("mlp.experts.gate_up_proj"):
        parts = [plain.replace("gate_up_proj", part) + ".weight" for part in ("gate_proj", "up_proj")]
    else:
        parts = [plain]
    got = [names.get_name(part, (".weight", ".bias")) for part in parts]
    if None in got and plain.endswith(".e_score_correction_bias"):
        got = [
            names.get_name(plain.replace("e_score_correction_bias", "e_score_correction.bias"), (".weight", ".bias"))
        ]
    return tuple(one for one in got if one) or None


def _why(name: str, config: dict[str, Any]) -> str | None:
    if name.endswith("lm_head.weight") and config.get("tie_word_embeddings"):
        return "the same as the embedding"
    beyond, layers = LAYER.search(name), config.get("num_hidden_layers")
    if beyond and isinstance(layers, int) and int(beyond[1]) >= layers:
        return "predicts further tokens"
    return next((why for mark, why in _LEFT_OUT if mark.search(name)), None)
