"""Damaged weights are told from whole ones in the server's own store, whatever its API can still say."""

import hashlib
import json
from pathlib import Path

import pytest

from swarmctl.core.ollama.api import weights
from swarmctl.effects.engines.ollama import Ollama

DATA = b"GGUF" * 1000


@pytest.fixture
def store(tmp_path: Path) -> Path:
    digest = hashlib.sha256(DATA).hexdigest()
    rows = [
        {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}"},
        {"mediaType": "application/vnd.ollama.image.template", "digest": f"sha256:{'ab' * 32}"},
    ]
    manifest = tmp_path / "manifests/registry.ollama.ai/library/lead/latest"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"layers": rows}))
    (tmp_path / "blobs").mkdir()
    (tmp_path / f"blobs/sha256-{digest}").write_bytes(DATA)
    return tmp_path


def damaged(store: Path | None, name: str = "lead") -> bool:
    with Ollama("http://127.0.0.1:9", store=store) as client:
        return client.damaged(name)


def test_whole_ones(store: Path) -> None:
    assert not damaged(store)
    assert not damaged(store, "nobody")
    assert not damaged(None), "what cannot be seen is not called damaged"


def test_cut_short_overwritten_and_gone(store: Path) -> None:
    (blob,) = (store / "blobs").iterdir()
    for bad in (DATA[:-1], bytes(len(DATA)), b""):
        blob.write_bytes(bad)
        assert damaged(store)
    blob.unlink()
    assert damaged(store)


@pytest.mark.parametrize("nonsense", [{}, {"layers": None}, {"layers": [1, {}, {"mediaType": "x.image.model"}]}])
def test_a_manifest_of_another_shape_names_no_weights(nonsense: dict[str, object]) -> None:
    assert weights(nonsense) == ()
