"""Repositories through the hub's own client: what is needed comes, at one commit, whole, or a clear error."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from effects.converting.test_looking import CONFIG, make
from fakes.modelhub import COMMIT, ModelHub
from fakes.specialists import peft
from swarmctl.core.converting.request import Asked
from swarmctl.effects.converting.adapted import adapted
from swarmctl.effects.converting.hub import brought, fetch, holds_adapter, look, published, weights_of
from swarmctl.effects.converting.identity import Hashes
from swarmctl.errors import HostError, SpecError

client = pytest.importorskip("huggingface_hub", reason="needs huggingface_hub: pip install 'swarmctl[convert]'")

ASKED = Asked("hub", "me/Coder", "coder", "main")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelHub]:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own-cache"))
    with ModelHub() as found:
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        folder = make(tmp_path / "published")
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        found.repositories["me/Coder"] = {**files, "README.md": b"x", "pytorch_model.bin": b"\x80", "model.py": b"x"}
        yield found


def test_only_what_a_conversion_needs_is_fetched_at_the_commit_that_was_looked_at(
    hub: ModelHub, tmp_path: Path
) -> None:
    seen = look(ASKED, ("Q4_K_M",), trust=False)
    assert seen.repository == COMMIT
    assert seen.source.outtype == "f16"  # its config.json does not say bfloat16
    assert not any(".safetensors" in path for path in hub.seen)
    got = fetch(seen, list(seen.files), tmp_path / "work")
    assert {path.name for path in got} == {"config.json", "tokenizer.json", "model.safetensors"}
    assert (tmp_path / "work" / "model.safetensors").read_bytes() == hub.repositories["me/Coder"]["model.safetensors"]
    assert all(COMMIT in path for path in hub.seen if "resolve" in path)


def test_a_ready_file_of_the_wanted_quantisation_is_preferred(hub: ModelHub) -> None:
    hub.repositories["me/Coder"] |= {"coder-Q4_K_M.gguf": b"GGUF" * 9, "coder-q8_0-00001-of-00002.gguf": b"GGUF"}
    seen = look(ASKED, ("Q4_K_M",), trust=False)
    assert seen.source.ready == {"Q4_K_M": "coder-Q4_K_M.gguf"}
    assert seen.source.full == 0
    both = look(ASKED, ("Q4_K_M", "Q8_0"), trust=False)
    assert set(both.source.ready) == {"Q4_K_M"}
    assert both.source.sizes["Q4_K_M"] == 36


def test_a_commit_is_asked_about_once_and_a_branch_each_time(
    hub: ModelHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pinned = replace(ASKED, revision=COMMIT)
    first = look(pinned, ("Q4_K_M",), trust=False)
    hub.seen.clear()
    assert look(pinned, ("Q4_K_M",), trust=False) == first
    assert look(pinned, ("Q8_0",), trust=False).files == first.files
    assert not holds_adapter(pinned)
    assert weights_of(pinned) == len(hub.repositories["me/Coder"]["model.safetensors"])
    assert hub.seen == []
    look(ASKED, ("Q4_K_M",), trust=False)
    assert hub.seen
    for path in (tmp_path / "own-cache" / "swarmctl" / "hub").iterdir():
        path.write_text(path.read_text().replace('"model.safetensors": ', '"model.safetensors": -'))
    hub.seen.clear()
    assert look(pinned, ("Q4_K_M",), trust=False) == first
    assert hub.seen, "what was kept is nonsense, so the hub is asked"
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HostError):
        look(pinned, ("Q4_K_M",), trust=False)


def test_a_name_says_a_quantisation_only_when_one_file_has_it() -> None:
    assert published({"m-q4_k_m.gguf": 5}, "Q4_K_M") == "m-q4_k_m.gguf"
    assert published({"m-q4_k_m.gguf": 5, "n.Q4_K_M.gguf": 5}, "Q4_K_M") == ""
    assert published({"mmproj-q8_0.gguf": 5, "m-iq4_xs.gguf": 3}, "Q8_0") == ""
    assert published({"m-q4_k_m.gguf": 0}, "Q4_K_M") == ""


def test_a_download_that_breaks_off_goes_on(hub: ModelHub, tmp_path: Path) -> None:
    seen = look(ASKED, ("Q8_0",), trust=False)
    hub.cuts = [20_000]
    got = fetch(seen, ["model.safetensors"], tmp_path / "work")
    assert got[0].read_bytes() == hub.repositories["me/Coder"]["model.safetensors"]


def test_a_file_with_another_hash_is_refused(hub: ModelHub, tmp_path: Path) -> None:
    hub.wrong.add("model.safetensors")
    seen = look(ASKED, ("Q8_0",), trust=False)
    with pytest.raises(HostError, match="damaged"):
        fetch(seen, ["model.safetensors"], tmp_path / "work")
    assert not (tmp_path / "work" / "model.safetensors").exists()


def test_terms_that_must_be_accepted_are_said_with_the_place(hub: ModelHub) -> None:
    hub.gated.add("me/Coder")
    with pytest.raises(HostError, match="terms") as caught:
        look(ASKED, ("Q8_0",), trust=False)
    assert f"{hub.url}/me/Coder" in caught.value.hint


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked("hub", "me/Nothing", "n", "main"), "no me/Nothing"),
        (Asked("hub", "me/Coder", "c", "v9"), "no revision v9"),
    ],
)
def test_what_the_hub_does_not_have(hub: ModelHub, asked: Asked, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        look(asked, ("Q8_0",), trust=False)


def test_pickles_and_unknown_architectures_end_before_a_download(hub: ModelHub) -> None:
    files = hub.repositories["me/Coder"]
    files["config.json"] = json.dumps(CONFIG | {"architectures": ["Nobodys"]}).encode()
    with pytest.raises(SpecError, match="cannot convert Nobodys"):
        look(ASKED, ("Q8_0",), trust=False)
    hub.repositories["me/Old"] = {**files, "config.json": json.dumps(CONFIG).encode()}
    del hub.repositories["me/Old"]["model.safetensors"]
    with pytest.raises(SpecError) as caught:
        look(Asked("hub", "me/Old", "old", "main"), ("Q8_0",), trust=False)
    assert "pickle" in caught.value.detail


def test_a_hub_that_is_not_there_is_said(hub: ModelHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HostError, match="cannot be had now"):
        look(ASKED, ("Q8_0",), trust=False)


def _adapter(hub: ModelHub, tmp_path: Path, **said: object) -> None:
    half = np.ones((2, 128), np.float32), np.ones((64, 2), np.float32)
    folder = peft(tmp_path / "tuned", {"model.layers.0.mlp.down_proj": half}, **said)
    hub.repositories["me/Tuned"] = {path.name: path.read_bytes() for path in folder.iterdir()} | {"run.py": b"x"}


def test_an_adapter_of_a_repository_comes_with_its_base_which_is_fetched_later(hub: ModelHub, tmp_path: Path) -> None:
    _adapter(hub, tmp_path, base_model_name_or_path="me/Coder")
    hub.repositories["me/Coder"]["coder-Q8_0.gguf"] = b"GGUF" * 9
    tuned = Asked("hub", "me/Tuned", "tuned", "main")
    assert holds_adapter(tuned)
    assert not holds_adapter(ASKED)
    place = brought(tuned, tmp_path / "incoming")
    assert {path.name for path in place.iterdir()} == {"adapter_config.json", "adapter_model.safetensors"}
    before = len(hub.seen)
    assert brought(tuned, tmp_path / "incoming") == place
    assert not any("resolve" in path for path in hub.seen[before:])
    seen = adapted(tuned, ("Q8_0",), Hashes(tmp_path / "store"), trust=False, place=place)
    assert seen.source.ready == {}, "a ready file of the base is another model"
    assert seen.source.merged == seen.source.fetch > 0
    assert seen.origin == ASKED
    assert not any("model.safetensors" in path for path in hub.seen if "Coder" in path)
    got = fetch(seen, list(seen.files), tmp_path / "work")
    assert "model.safetensors" in {path.name for path in got}


def test_an_adapter_that_is_a_pickle_or_says_no_base_is_refused(hub: ModelHub, tmp_path: Path) -> None:
    _adapter(hub, tmp_path)
    tuned = Asked("hub", "me/Tuned", "tuned", "main")
    place = brought(tuned, tmp_path / "incoming")
    with pytest.raises(SpecError, match="does not say of which model"):
        adapted(tuned, ("Q8_0",), Hashes(tmp_path / "store"), trust=False, place=place)
    files = hub.repositories["me/Tuned"]
    files["adapter_model.bin"] = files.pop("adapter_model.safetensors")
    with pytest.raises(SpecError) as caught:
        brought(tuned, tmp_path / "elsewhere")
    assert "pickle" in caught.value.detail


def test_a_whole_repository_comes_as_a_folder_once(hub: ModelHub, tmp_path: Path) -> None:
    place = brought(ASKED, tmp_path / "incoming")
    assert place.name == "Coder"
    assert {path.name for path in place.iterdir()} == {"config.json", "tokenizer.json", "model.safetensors"}
