"""Whether a specialist can sit on a base at all: the same architecture, words and template; weights come later."""

from pathlib import Path
from typing import Any

from swarmctl.converter.tensors import Refused, document

_OWN = frozenset(
    {
        "_name_or_path", "architectures", "auto_map", "bos_token_id", "dtype", "eos_token_id", "id2label", "label2id",
        "model_name", "pad_token_id", "tie_word_embeddings", "torch_dtype", "transformers_version", "unsloth_fixed",
        "unsloth_version", "use_cache",
    }
)  # fmt: skip
"""Keys of config.json that say where a model comes from, not how it computes; the tie is looked at by itself."""
_WORDS = ("model", "added_tokens", "normalizer", "pre_tokenizer", "decoder")


def unlike(base: Path, edited: Path) -> list[str]:
    """Sentences on what differs, empty when one server can be both. Raises Refused for files that cannot be read."""
    mine, theirs = document(base / "config.json"), document(edited / "config.json")
    keys = sorted(key for key in (mine.keys() | theirs.keys()) - _OWN if mine.get(key) != theirs.get(key))
    found = [f"config.json: {key} is {_short(theirs.get(key))}, the base's is {_short(mine.get(key))}" for key in keys]
    if not _same_words(base, edited):
        found.append("tokenizer.json: another vocabulary than the base's; one server has one")
    given = template(edited)
    if given is not None and given != template(base):
        found.append("its chat template is another than the base's; one server has one")
    return found


def tied(config: dict[str, Any], names: set[str]) -> bool:
    """The head is the embedding: as config.json says, and where it says nothing, by whether there is a head."""
    said = config.get("tie_word_embeddings")
    return said if isinstance(said, bool) else "lm_head.weight" not in names


def template(folder: Path) -> str | None:
    """The chat template of a folder, from either place where it is kept."""
    own = folder / "chat_template.jinja"
    if own.is_file():
        return own.read_text(encoding="utf-8", errors="replace").strip()
    kept = folder / "tokenizer_config.json"
    said = document(kept).get("chat_template") if kept.is_file() else None
    return said.strip() if isinstance(said, str) else None


def _same_words(base: Path, edited: Path) -> bool:
    """A specialist without a tokenizer takes the base's."""
    mine, theirs = base / "tokenizer.json", edited / "tokenizer.json"
    if not mine.is_file() or not theirs.is_file():
        return not theirs.is_file()
    if mine.stat().st_size == theirs.stat().st_size and mine.read_bytes() == theirs.read_bytes():
        return True
    first, second = document(mine), document(theirs)
    return all(first.get(key) == second.get(key) for key in _WORDS)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"


def known(config: dict[str, Any]) -> None:
    """Raises Refused for a model of several parts: its decoder's tensors lie under other names."""
    if "text_config" in config:
        raise Refused("config.json: a model with a vision or an audio part; share the text model alone")
