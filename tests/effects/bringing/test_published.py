"""What a hub says of a file before any of it is fetched, and what is remembered of it."""

import hashlib
from pathlib import Path

import pytest

from fakes.hub import Hub
from fakes.smallmodel import model
from swarmctl.core.spec import ModelSource
from swarmctl.effects.bringing.published import published
from swarmctl.effects.bringing.resolving import fetches, resolved
from swarmctl.effects.store import ModelStore
from swarmctl.errors import HostError, SpecError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SOURCE = ModelSource(hf="owner/model", file="model.gguf")
PATH = "/owner/model/resolve/main/model.gguf"
DATA = b"GGUF, or not"
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):  # type: ignore[no-untyped-def]
    with Hub() as made:
        made.files[PATH], made.commit = DATA, COMMIT
        monkeypatch.setenv("HF_ENDPOINT", made.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield made


def test_hash_size_and_the_commit_that_was_meant(hub: Hub) -> None:
    found = published(SOURCE)
    assert found is not None
    assert (found.digest, found.size, found.guarded) == (DIGEST, len(DATA), False)
    assert found.url == f"{hub.url}/owner/model/resolve/{COMMIT}/model.gguf"
    assert len(hub.seen) == 1


def test_what_stands_where_the_hub_sends_on_is_read_there(hub: Hub) -> None:
    hub.storage = "http://127.0.0.1:9"
    found = published(SOURCE)
    assert found is not None
    assert found.digest == DIGEST


def test_a_file_that_is_not_kept_apart_has_no_hash(hub: Hub) -> None:
    hub.commit = ""
    assert published(SOURCE) is None


def test_a_token_is_shown_only_where_it_is_asked_for(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    open_ = published(SOURCE)
    assert open_ is not None
    assert not open_.guarded
    assert "authorization" not in hub.seen[-1]
    hub.token = "hf_secret"
    found = published(SOURCE)
    assert found is not None
    assert found.guarded


def test_refusals_are_told(hub: Hub) -> None:
    hub.token = "hf_secret"
    with pytest.raises(HostError, match="HTTP 401"):
        published(SOURCE)
    hub.token = ""
    with pytest.raises(SpecError, match="the hub has no"):
        published(SOURCE.model_copy(update={"file": "other.gguf"}))
    with pytest.raises(SpecError, match="not the file that was promised"):
        published(SOURCE.model_copy(update={"sha256": "0" * 64}))


def test_a_hub_on_loopback_is_another_one_elsewhere(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not fetches(SOURCE)
    monkeypatch.setenv("HF_ENDPOINT", "http://localhost:8080")
    assert not fetches(SOURCE)
    monkeypatch.setenv("HF_ENDPOINT", "http://10.0.0.7:8080")
    assert fetches(SOURCE)
    monkeypatch.delenv("HF_ENDPOINT")
    assert fetches(SOURCE)
    assert not fetches(ModelSource(path="/model.gguf"))
    assert not fetches(ModelSource(hf="owner/model", quant="Q4_K_M")), "it must be converted first"


def test_what_is_known_is_remembered_and_never_taken_for_here(hub: Hub, tmp_path: Path) -> None:
    hub.files[PATH] = model().read_bytes()
    store = ModelStore(tmp_path / "models")
    found = resolved(SOURCE, store)
    assert found is not None
    assert found.facts.model.architecture == "llama"
    asked = len(hub.seen)
    assert resolved(SOURCE, ModelStore(tmp_path / "models")) == found, "of another process, too"
    assert len(hub.seen) == asked
    assert store.held(SOURCE) is None
    assert store.held(SOURCE.key) is None
    assert store.all() == []
    assert store.described(SOURCE) == store.described(SOURCE.key) == found
    assert store.away() == [found]
    other = SOURCE.model_copy(update={"sha256": "0" * 64})
    assert store.described(other) is None, "another file is promised"

    held = store.add(SOURCE)
    assert store.described(SOURCE) == held, "a file that is here comes first"
    assert store.away() == []
    store.prune(set(), dry=False)
    assert store.described(SOURCE) is None


def test_a_hub_that_does_not_answer_says_nothing(hub: Hub, tmp_path: Path) -> None:
    hub.codes = [500]
    assert resolved(SOURCE, ModelStore(tmp_path)) is None


def test_a_spoilt_note_is_asked_for_again(hub: Hub, tmp_path: Path) -> None:
    hub.files[PATH] = model().read_bytes()
    store = ModelStore(tmp_path)
    assert resolved(SOURCE, store) is not None
    text = (tmp_path / "index.json").read_text()
    (tmp_path / "index.json").write_text(text.replace('"url"', '"uri"'))
    assert ModelStore(tmp_path).described(SOURCE) is None
