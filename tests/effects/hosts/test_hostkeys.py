"""Pinned host keys: which file, which entry counts, what is forgotten."""

import base64
import hashlib
import hmac
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from swarmctl.core.hosts import NO_CONFIG, Host
from swarmctl.effects.hosts.hostkeys import fingerprints, forget, is_pinned, keys_file, strictness
from swarmctl.errors import SpecError

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIARa3i1oD2bbwuZeB3jwe3CIKiy1BAlrFfv6UhTB5ni+"
PRINT = "SHA256:CE1WJrf/VW941HPJBtgNeqxiaWjf3TjLkWX3LtEREPI"


def host(tmp_path: Path, text: str, port: int = 41234) -> Host:
    file = keys_file(tmp_path, "lease-1")
    file.write_text(text)
    return Host("slot-0", "203.0.113.7", port, known_hosts=str(file), config=NO_CONFIG)


def hashed(name: str) -> str:
    salt = b"s" * 20
    told = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(told).decode()}"


def test_the_folder_is_the_owners(tmp_path: Path) -> None:
    assert stat.S_IMODE(keys_file(tmp_path, "slot-0").parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a\n"])
def test_a_name_that_is_a_path_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpecError):
        keys_file(tmp_path, name)


@pytest.mark.parametrize(
    ("entry", "port", "pinned"),
    [
        ("[203.0.113.7]:41234", 41234, True),
        ("x,[203.0.113.7]:41234", 41234, True),
        (hashed("[203.0.113.7]:41234"), 41234, True),
        ("203.0.113.7", 22, True),
        ("203.0.113.7", 41234, False),
        ("[203.0.113.7]:41235", 41234, False),
        (hashed("[203.0.113.7]:1"), 41234, False),
        ("|1|nonsense", 41234, False),
        ("|1|a|b|c|d", 41234, False),
    ],
)
def test_which_entry_is_this_hosts(tmp_path: Path, entry: str, port: int, pinned: bool) -> None:
    found = host(tmp_path, f"# a comment\n\n@revoked * x y\n{entry} ssh-ed25519 {KEY}\nodd line\n", port)
    assert is_pinned(found) is pinned
    assert fingerprints(found) == ((PRINT,) if pinned else ())


def test_a_name_of_its_own_counts_wherever_the_host_is_reached(tmp_path: Path) -> None:
    named = replace(host(tmp_path, f"vast-7 ssh-ed25519 {KEY}\n"), alias="vast-7")
    for there in (named, replace(named, address="198.51.100.1", port=22)):
        assert is_pinned(there)
        assert fingerprints(there) == (PRINT,)
    assert not is_pinned(replace(named, alias="vast-8"))
    assert not is_pinned(replace(named, alias=""))


def test_first_any_key_and_then_only_that_one(tmp_path: Path) -> None:
    new = host(tmp_path, "")
    assert "StrictHostKeyChecking=yes" not in strictness(new)
    known = host(tmp_path, f"[203.0.113.7]:41234 ssh-ed25519 {KEY}\n")
    assert strictness(known)[:2] == ("-o", "StrictHostKeyChecking=yes")


def test_where_the_user_keeps_keys_his_settings_hold() -> None:
    assert strictness(Host("slot-0", "gpu1")) == ()
    assert fingerprints(Host("slot-0", "gpu1")) == ()


def test_an_alias_of_the_users_configuration_is_looked_up(tmp_path: Path) -> None:
    found = host(tmp_path, f"[203.0.113.7]:41234 ssh-ed25519 {KEY}\n", 22)
    config = tmp_path / "config"
    config.write_text("Host gpu1\n  HostName 203.0.113.7\n  Port 41234\n")
    assert is_pinned(replace(found, address="gpu1", config=str(config)))
    assert not is_pinned(replace(found, address="gpu2", config=str(config)))
    config.write_text("Host gpu1\n  HostName 203.0.113.7\n  Port 41234\n  HostKeyAlias other\n")
    assert not is_pinned(replace(found, address="gpu1", config=str(config)))


def test_what_is_forgotten_is_gone_and_nothing_else(tmp_path: Path) -> None:
    host(tmp_path, "x")
    keys_file(tmp_path, "lease-2").write_text("y")
    forget(tmp_path, "lease-1")
    forget(tmp_path, "lease-1")
    assert [path.name for path in (tmp_path / "hostkeys").iterdir()] == ["lease-2"]


def test_a_key_that_is_none_has_no_fingerprint(tmp_path: Path) -> None:
    assert fingerprints(host(tmp_path, "[203.0.113.7]:41234 ssh-ed25519 %%%\n")) == ()
