"""A path means what was brought under it, whatever this machine has under the same one."""

from pathlib import Path

import pytest

from fakes.smollm import smollm
from swarmctl.core.spec import ModelSource
from swarmctl.effects.hand.store import BroughtStore
from swarmctl.effects.sources.localfile import sha256
from swarmctl.errors import HostError, SpecError


def test_a_file_of_this_machine_is_never_taken_for_one_that_was_brought(tmp_path: Path) -> None:
    mine = tmp_path / "x.gguf"
    mine.write_bytes(b"another file under the same name")
    source, store = ModelSource(path=str(mine)), BroughtStore(tmp_path / "store")
    assert store.held(source) is None
    with pytest.raises(SpecError, match="not brought"):
        store.fingerprint(source)
    with pytest.raises(HostError, match="not brought"):
        store.add(source)


def test_what_was_brought_is_known_by_its_content(tmp_path: Path) -> None:
    file = tmp_path / "store" / "come.gguf"
    file.parent.mkdir()
    file.write_bytes(smollm().read_bytes())
    digest = sha256(file, lambda _done, _total: None)
    source, store = ModelSource(path="/elsewhere/only/there.gguf", sha256=digest), BroughtStore(tmp_path / "store")
    store.take(source.key, file, digest)
    assert store.fingerprint(source) == f"sha256:{digest}"
    assert store.add(source).sha256 == digest
    assert store.held(source.model_copy(update={"sha256": "0" * 64})) is None, "what was promised is another one"
