"""Where the key comes from, who else can read it, and what is no key."""

import os
import sys
import types
from pathlib import Path

import psutil
import pytest

from swarmctl.effects.providers.keys import find_key, require_key
from swarmctl.effects.providers.owner import known_owner, owner
from swarmctl.errors import HostError, ProviderError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("VAST_API_KEY", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "keyring", None)
    return tmp_path


def put(path: Path, text: str, mode: int = 0o600) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def test_the_variable_comes_before_the_files_and_those_before_the_keyring(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> tuple[str, str]:
        key = require_key()
        return key.key.reveal(), key.source

    ring = types.ModuleType("keyring")
    ring.get_password = lambda service, name: "from-ring" if (service, name) == ("swarmctl", "vast") else None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", ring)
    assert found() == ("from-ring", "keyring")
    put(home / ".vast_api_key", "old-file\n")
    assert found()[0] == "old-file"
    put(home / ".config/vastai/vast_api_key", "new-file\n")
    assert found()[0] == "new-file"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
    put(home / "xdg/vastai/vast_api_key", "xdg-file")
    assert found()[0] == "xdg-file"
    monkeypatch.setenv("VAST_API_KEY", "variable")
    assert found() == ("variable", "VAST_API_KEY")


def test_no_key_says_where_was_looked() -> None:
    assert find_key() is None
    with pytest.raises(ProviderError, match="no key") as e:
        require_key()
    assert ".vast_api_key" in e.value.detail
    assert "VAST_API_KEY" in e.value.hint


@pytest.mark.parametrize("text", ["", "ab", "two words", "k\u00e9y-of-letters", "x" * 501, "a\x00bcdef", "abc\ndef"])
def test_what_is_no_key_is_not_sent(home: Path, text: str) -> None:
    put(home / ".vast_api_key", text)
    with pytest.raises(ProviderError, match="is no key") as e:
        find_key()
    if len(text) > 3:
        assert text not in str(e.value)


def test_a_file_that_others_can_read_is_told(home: Path) -> None:
    put(home / ".vast_api_key", "a-good-key", 0o644)
    found = find_key()
    assert found is not None
    assert found.open
    (home / ".vast_api_key").chmod(0o600)
    assert not require_key().open


def test_a_keyring_that_fails_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(_service: str, _name: str) -> str:
        raise RuntimeError("locked")

    ring = types.ModuleType("keyring")
    ring.get_password = locked  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", ring)
    assert find_key() is None


def test_an_owner_is_made_once_and_kept(tmp_path: Path) -> None:
    state = tmp_path / "state"
    assert known_owner(state) is None
    assert not state.exists(), "looking makes nothing"
    first = owner(state)
    assert len(first) == 16
    assert owner(state) == known_owner(state) == first
    assert owner(tmp_path / "other") != first
    assert (state / "owner").stat().st_mode & 0o777 == 0o600


def test_an_owner_that_cannot_be_read_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "owner").write_text("somebody")
    with pytest.raises(HostError, match="no owner's name"):
        owner(tmp_path)
    assert known_owner(tmp_path) is None


def test_an_owner_is_on_the_disk_before_anything_is_rented_under_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced, real = list[str](), os.fsync
    open_before = psutil.Process().num_fds()

    def fsync(fd: int) -> None:
        synced.append((tmp_path / "owner").read_text())
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)
    assert synced == [owner(tmp_path)] == [owner(tmp_path)]
    assert psutil.Process().num_fds() == open_before, "nothing stays open"


@pytest.mark.parametrize("text", [b"\xff" * 16, b"0123456789abcde", b"0123456789abcdef0", b"0123456789ABCDEF", b""])
def test_what_is_no_owner_is_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "owner").write_bytes(text)
    assert known_owner(tmp_path) is None
    (tmp_path / "owner").write_bytes(b" 0123456789abcdef\n")
    assert known_owner(tmp_path) == "0123456789abcdef"
