"""Sources that are GGUF already: a file, or what lies in an Ollama's store under a name."""

import json
from pathlib import Path
from typing import Any

import pytest

from fakes.ggufs import Shape, write_model
from swarmctl.core.converting.request import Asked, asked
from swarmctl.effects.converting.identity import Hashes
from swarmctl.effects.converting.ready import file, ollama
from swarmctl.effects.sources.localfile import sha256
from swarmctl.errors import SpecError

MODEL = "application/vnd.ollama.image.model"


def _store(root: Path, name: str = "registry.ollama.ai/library/tiny/latest", **more: Any) -> dict[str, str]:
    """An Ollama's folder with one model."""
    (root / "blobs").mkdir(parents=True)
    made = write_model(root / "made.gguf", Shape())
    digest = sha256(made, lambda _done, _total: None)
    made.rename(root / "blobs" / f"sha256-{digest}")
    layers = [{"mediaType": MODEL, "digest": f"sha256:{digest}"}, {"mediaType": "application/vnd.ollama.image.params"}]
    manifest = root / "manifests" / name
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"layers": layers, **more}))
    return {"OLLAMA_MODELS": str(root)}


def _look(text: str, root: Path, environ: dict[str, str], quant: str = "Q8_0") -> Any:
    return ollama(asked(text, ""), (quant,), Hashes(root / "hashes"), environ)


def test_a_model_of_ollama_is_the_file_of_its_weights(tmp_path: Path) -> None:
    environ = _store(tmp_path / "ollama")
    seen = _look("ollama:tiny", tmp_path, environ)
    (path,) = seen.files.values()
    assert path.parent == tmp_path / "ollama" / "blobs"
    assert seen.source.asked.name == "tiny"
    assert seen.source.certified
    assert _look("ollama:tiny:latest", tmp_path, environ).source.identity == seen.source.identity
    assert "Q4_K_M" not in _look("ollama:tiny", tmp_path, environ, "Q4_K_M").source.ready


def test_names_with_an_owner_are_found_where_ollama_keeps_them(tmp_path: Path) -> None:
    environ = _store(tmp_path / "ollama", "registry.ollama.ai/me/tiny/v2")
    assert _look("ollama:me/tiny:v2", tmp_path, environ).source.asked.revision == "v2"
    with pytest.raises(SpecError, match="no Ollama of this machine has me/tiny:latest"):
        _look("ollama:me/tiny", tmp_path, environ)


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([], "has 0 files of weights"),
        ([{"mediaType": MODEL, "digest": f"sha256:{'0' * 64}"}], "names a blob that is not there"),
        ([{"mediaType": MODEL, "digest": "../../../etc/passwd"}], "has 0 files of weights"),
        ([{"mediaType": MODEL, "digest": f"sha256:{n * 64}"} for n in "01"], "has 2 files of weights"),
        (3, "has 0 files of weights"),
    ],
)
def test_a_store_that_is_damaged_is_said(tmp_path: Path, layers: Any, said: str) -> None:
    environ = _store(tmp_path / "ollama", layers=layers)
    with pytest.raises(SpecError, match=said):
        _look("ollama:tiny", tmp_path, environ)


def test_a_file_passes_through_in_its_own_quantisation_alone(tmp_path: Path) -> None:
    path = write_model(tmp_path / "m.gguf", Shape())
    seen = file(Asked("gguf", str(path), "m"), ("Q8_0", "Q4_K_M"), Hashes(tmp_path / "hashes"))
    assert set(seen.source.ready) == {"Q8_0"}
    assert seen.source.sizes["Q8_0"] == path.stat().st_size
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(SpecError, match="truncated"):
        file(Asked("gguf", str(path), "m"), ("Q8_0",), Hashes(tmp_path / "hashes"))
