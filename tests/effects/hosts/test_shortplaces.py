"""Paths of sockets: none that OpenSSH cannot take, and none where others could put one."""

import os
from pathlib import Path

import pytest

from swarmctl.effects.hosts import shortplaces
from swarmctl.effects.hosts.shortplaces import socket_place
from swarmctl.errors import HostError


@pytest.fixture
def short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "short"
    monkeypatch.setattr(shortplaces, "_short", lambda: folder)
    return folder


def test_whatever_the_folder_a_temporary_name_beside_the_socket_fits_too(
    tmp_path: Path, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for length in range(1, 110):
        found = socket_place(Path("d" * length), "0123456789ab.ssh")
        assert found.parent == short or len(os.fsencode(found)) + len(".0123456789abcdef") <= 103
    assert found.parent == short


@pytest.mark.parametrize("odd", ["a b", "%h", "a:b", "~x", "ü", "$x", "a'b"])
def test_what_openssh_reads_otherwise_is_in_no_path(tmp_path: Path, short: Path, odd: str) -> None:
    assert socket_place(tmp_path / odd, "x.ctl") == socket_place(tmp_path / odd, "x.ctl")
    assert socket_place(tmp_path / odd, "x.ctl").parent == short
    assert socket_place(tmp_path / odd, "x.ctl") != socket_place(tmp_path / odd, "y.ctl")


@pytest.mark.parametrize("kind", ["open", "link"])
def test_a_short_folder_that_is_not_private_is_refused(tmp_path: Path, short: Path, kind: str) -> None:
    if kind == "open":
        short.mkdir()
        short.chmod(0o755)
    else:
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        short.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HostError, match="not a private folder"):
        socket_place(tmp_path / "a b", "x.ctl")


def test_the_folder_is_the_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert socket_place(Path("s"), "x.ctl") == Path("s/x.ctl")
    assert Path("s").stat().st_mode & 0o777 == 0o700
