"""OpenSSH's own words, as trouble with a sentence and a command to type."""

from dataclasses import replace
from pathlib import Path

import pytest

from swarmctl.core.hosts import Host
from swarmctl.effects.hosts.sshsaid import ChangedKeyError, Kind, error, trouble

CHANGED = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
Offending ED25519 key in /k/slot-0:1
Host key for [203.0.113.7]:41234 has changed and you have requested strict checking.
Host key verification failed.
"""
HOST = Host("slot-0", "203.0.113.7", 41234, key="/k/id", known_hosts="/k/slot 0", config="none")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("ssh: connect to host 127.0.0.1 port 1: Connection refused", "refused"),
        ("ssh: connect to host 10.9.9.9 port 22: Connection timed out", "silent"),
        ("Connection timed out during banner exchange\nConnection to 127.0.0.1 port 9 timed out", "silent"),
        ("ssh: connect to host 10.9.9.9 port 22: No route to host", "silent"),
        ("root@127.0.0.1: Permission denied (publickey).", "denied"),
        ("Received disconnect from ::1 port 22:2: Too many authentication failures", "denied"),
        (CHANGED, "changed"),
        ("No ED25519 host key is known for x and you have requested strict checking.", "unpinned"),
        ("Host key verification failed.", "unpinned"),
        ("ssh: Could not resolve hostname nope: Name or service not known", "unknown-name"),
        ("kex_exchange_identification: Connection closed by remote host", "closed"),
        ("Connection reset by 127.0.0.1 port 22", "closed"),
        ("Timeout, server 10.0.0.1 not responding.", "lost"),
        ("client_loop: send disconnect: Broken pipe", "lost"),
        ("bind [127.0.0.1]:80: Address already in use\nCould not request local forwarding.", "forward"),
        ("/home/a/.ssh/config: line 1: Bad configuration option: nope", "settings"),
    ],
)
def test_each_trouble_is_told_apart(said: str, kind: Kind) -> None:
    found = trouble(f"Warning: Permanently added 'x' (ED25519) to the list of known hosts.\n{said}\n")
    assert found is not None
    assert found.kind == kind
    assert found.words in {line.strip() for line in said.splitlines()}


def test_what_is_no_trouble_of_openssh_is_none() -> None:
    for said in ("", "grep: nothing", "Warning: Permanently added 'x' (ED25519) to the list of known hosts."):
        assert trouble(said) is None


def test_a_changed_key_is_told_loudly_with_the_command_that_forgets_it() -> None:
    found = trouble(CHANGED)
    assert found is not None
    assert not found.passes
    letter = error(HOST, found)
    assert letter.message == (
        "slot-0: another machine answers at 203.0.113.7:41234: its host key is not the one that was pinned"
    )
    assert letter.hint.startswith("ssh-keygen -R '[203.0.113.7]:41234' -f '/k/slot 0'")


def test_both_keys_are_shown(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("vast-7 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIARa3i1oD2bbwuZeB3jwe3CIKiy1BAlrFfv6UhTB5ni+\n")
    sent = "The fingerprint for the ED25519 key sent by the remote host is\nSHA256:" + "a" * 43 + ".\n"
    found = trouble(CHANGED + sent)
    assert found is not None
    letter = error(replace(HOST, known_hosts=str(file), alias="vast-7"), found)
    assert isinstance(letter, ChangedKeyError)
    assert letter.detail.splitlines()[-2:] == [
        f"pinned: SHA256:CE1WJrf/VW941HPJBtgNeqxiaWjf3TjLkWX3LtEREPI   in {file}",
        f"met:    SHA256:{'a' * 43}   at 203.0.113.7:41234",
    ]
    assert letter.hint.startswith(f"ssh-keygen -R vast-7 -f {file}")


def test_a_hint_is_a_command_that_can_be_pasted() -> None:
    found = trouble("ssh: connect to host x port 1: Connection refused")
    assert found is not None
    assert error(HOST, found).hint == "ssh -F none -i /k/id -p 41234 root@203.0.113.7 -v true"
    assert error(Host("gpu1", "gpu1"), found).hint == "ssh root@gpu1 -v true"


def test_words_of_a_strange_machine_cannot_draw_on_the_screen() -> None:
    found = trouble("\x1b[2Jroot@x: Permission denied (\x07publickey)" + "y" * 999)
    assert found is not None
    assert found.words.isprintable()
    assert len(found.words) <= 300
