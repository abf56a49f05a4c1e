"""A certificate as the program prints it, for tests that change one figure in it."""

import copy
from typing import Any

_HASH = "0" * 64
_GOOD: dict[str, Any] = {
    "format": 1,
    "source": {
        "revision": None, "architectures": ["LlamaForCausalLM"],
        "files": {"model.safetensors": {"bytes": 2_000_000_000, "sha256": _HASH}},
    },
    "tools": {"llama.cpp": "0.7.0 (build 11669)", "gguf": "0.19.0", "torch": None},
    "gguf": {
        "bytes": 2_000_000_000, "sha256": _HASH, "architecture": "llama", "layers": 2, "types": ["F16", "F32"],
        "tokenizer": "llama-bpe",
    },
    "tensors": {
        "published": 20, "mapped": 20, "stored": 21, "made": ["rope_freqs.weight"], "dropped": {}, "unplaced": [],
        "missing": [], "compared": 20, "apart": {}, "furthest": 0.0001, "not_numbers": {}, "source_not_numbers": {},
    },
    "tokens": {
        "strings": 36, "ids": 2456, "wrong": 0, "wrong_cases": [], "back_wrong": 0, "back_cases": [],
        "not_normalised": 0, "marks_taken_otherwise": 0, "words": 128256, "other_words": 0, "other_cases": [],
        "begins": {"token": 128000, "published": None, "tokenizer": True, "llama.cpp": True},
    },
    "template": {
        "present": True,
        "dialogues": [
            {"dialogue": "one question", "verdict": "same"},
            {"dialogue": "tools", "verdict": "not in this template", "why": "System role not supported"},
        ],
    },
    "stop": {"ends": [{"id": 128009, "token": "<|eot_id|>", "stops": True}], "goes_on": True},
    "logits": {
        "layers": 2, "of": 2, "weights": "bfloat16", "kl": 1e-6, "largest": 0.01, "same_first": 1,
        "prompts": [{"prompt": "prose", "tokens": 21, "kl": 1e-6, "largest": 0.01, "same_first": True}],
    },
    "quants": {
        "Q4_K_M": {
            "bytes": 600_000_000, "sha256": _HASH, "bits": 4.85, "changed": [], "kl": 0.0312, "kl_error": 0.001,
            "median": 0.01, "p99": 0.4, "largest": 1.2, "same_top": 92.4, "perplexity": 9.1, "base_perplexity": 8.9,
        },
    },
    "seconds": 21.5,
}  # fmt: skip


def certificate(path: str = "", value: Any = None) -> dict[str, Any]:
    """A good one; with `path` (keys with / between them) set to something else."""
    return _changed(copy.deepcopy(_GOOD), path, value)


def of_file(path: str = "", value: Any = None) -> dict[str, Any]:
    """One of a file that was published as GGUF, with one value changed."""
    found = certificate()
    for name in ("tensors", "tokens", "logits"):
        del found[name]
    found |= {"format": 2, "against": "file"}
    found["file"] = {
        "strings": 34, "back_wrong": 1, "back_cases": [{"text": "a", "got": "b"}], "words": 49152,
        "begins": {"token": 1, "said": False, "llama.cpp": False}, "prompts": 6, "silent": [], "not_numbers": {},
    }  # fmt: skip
    return _changed(found, path, value)


def _changed(made: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    if path:
        *way, last = path.split("/")
        at: Any = made
        for key in way:
            at = at[int(key)] if isinstance(at, list) else at[key]
        at[int(last) if isinstance(at, list) else last] = value
    return made
