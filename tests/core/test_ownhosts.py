"""One's own machines by the words that Ansible uses for them."""

from pathlib import Path

import pytest

from swarmctl.core.hosts import Host
from swarmctl.core.ownhosts import host, read_hosts
from swarmctl.errors import SpecError

EXAMPLE = Path(__file__).resolve().parents[2] / "inventory" / "hosts.example.yml"


def test_the_example_is_read() -> None:
    assert read_hosts(EXAMPLE.read_bytes(), "hosts.yml") == {"slot-0": {"address": "192.0.2.10", "user": "root"}}


def test_every_word_has_its_meaning_and_groups_may_stand_in_groups() -> None:
    text = """
all:
  children:
    gpus:
      hosts:
        big: {ansible_host: 192.0.2.1, ansible_port: 2222, ansible_user: ada, ansible_ssh_private_key_file: ~/.ssh/k,
              ansible_ssh_common_args: "-o ProxyJump=ada@192.0.2.9 -o Compression=yes"}
        alias:
"""
    found = read_hosts(text.encode(), "hosts.yml")
    assert host("big", found["big"], {}) == Host("big", "192.0.2.1", 2222, "ada", key="~/.ssh/k", jump="ada@192.0.2.9")
    assert host("alias", found["alias"], {"user": "grace", "port": "2200"}) == Host("alias", "alias", 2200, "grace")


def test_what_openssh_says_of_it_fills_what_the_file_leaves_open() -> None:
    assert host("a", {}, {}) == Host("a", "a", 22, "root")
    assert host("a", {}, {"port": "nonsense"}).port == 22
    assert host("a", {"user": "me"}, {"user": "you"}).user == "me"


@pytest.mark.parametrize(
    "text",
    ["a: {hosts: {b: 5}}", "a: {hosts: {b: {ansible_port: x}}}", "a: [", "a: {hosts: {b: {ansible_port: true}}}"],
)
def test_what_is_none_is_said_with_its_file(text: str) -> None:
    with pytest.raises(SpecError, match=r"hosts\.yml"):
        read_hosts(text.encode(), "hosts.yml")


@pytest.mark.parametrize("text", ["", "[]", "a: b", "a: {hosts: [b]}"])
def test_a_file_without_hosts_has_none(text: str) -> None:
    assert read_hosts(text.encode(), "hosts.yml") == {}
