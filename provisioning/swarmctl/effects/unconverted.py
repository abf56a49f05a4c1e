"""A folder of published weights as planning sees it: the file that will become of it, before it is converted."""

from pathlib import Path

from swarmctl.core.architectures import tensors
from swarmctl.core.converting.request import USUAL
from swarmctl.core.gguf import GgufFacts
from swarmctl.core.observed import Source
from swarmctl.core.quantisation import weigh
from swarmctl.core.spec import ModelSource
from swarmctl.effects import files
from swarmctl.effects.describe import describe

ADAPTER = "adapter_config.json"
_SETTINGS = 4 << 20
"""Bytes of a tokenizer's settings; templates have some ten thousand."""


def is_published(source: ModelSource) -> bool:
    """It names a folder, which no server reads, and which has no hash of its own."""
    return source.path is not None and source.sha256 is None and Path(source.path).is_dir()


def is_weights(source: ModelSource) -> bool:
    """It names weights as they are published, here or on the hub, which are converted before they are served."""
    return is_published(source) or (source.hf is not None and source.file is None)


def unconverted(source: ModelSource) -> Source:
    """What is known of it from config.json and the headers of its tensors. Raises SpecError."""
    folder, quant = Path(source.path or "").expanduser(), source.quant or USUAL
    model = describe(_described(folder))
    weights = weigh(model, quant)
    facts = GgufFacts(model, weights, None, len(tensors(model)), weights.total, _template(folder))
    return Source(source.key, facts=facts, cause=f"converted to {quant} from {folder}")


def _described(folder: Path) -> Path:
    """The folder whose config.json describes the model; of an adapter that of its base, where that is here."""
    raw = files.read_json(folder / ADAPTER) if (folder / ADAPTER).is_file() else None
    base = raw.get("base_model_name_or_path") if isinstance(raw, dict) else None
    return Path(base) if isinstance(base, str) and Path(base).is_dir() else folder


def _template(folder: Path) -> bool:
    """A chat template is published with it."""
    if (folder / "chat_template.jinja").is_file():
        return True
    path = folder / "tokenizer_config.json"
    raw = files.read_json(path) if path.is_file() and path.stat().st_size < _SETTINGS else None
    return isinstance(raw, dict) and bool(raw.get("chat_template"))
