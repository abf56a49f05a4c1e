"""One's own machines found by name, with OpenSSH's configuration and known keys honoured."""

from pathlib import Path

import pytest

from swarmctl.core.hosts import ssh_options
from swarmctl.effects.hosts.inventory import find
from swarmctl.errors import SpecError


def _inventory(folder: Path, text: str) -> Path:
    (folder / "inventory").mkdir(parents=True)
    (folder / "inventory" / "hosts.yml").write_text(text)
    return folder


def test_the_first_folder_that_has_an_inventory_counts(tmp_path: Path) -> None:
    near = _inventory(tmp_path / "near", "g: {hosts: {gpu1: {ansible_host: 192.0.2.1, ansible_user: ada}}}")
    far = _inventory(tmp_path / "far", "g: {hosts: {gpu1: {ansible_host: 192.0.2.2}}}")
    found = find("gpu1", [tmp_path / "none", near, far], tmp_path / "state")
    assert (found.name, found.address, found.user, found.port) == ("gpu1", "192.0.2.1", "ada", 22)


def test_a_key_that_nobody_knows_is_pinned_in_a_file_of_ours(tmp_path: Path) -> None:
    near = _inventory(tmp_path / "near", "g: {hosts: {gpu1: {ansible_host: 192.0.2.1}}}")
    found = find("gpu1", [near], tmp_path / "state")
    assert found.known_hosts == str(tmp_path / "state" / "hostkeys" / "gpu1")
    assert "HostKeyAlias=gpu1" in ssh_options(found), "wherever it is said to be later"


def test_a_name_that_nobody_knows_is_said_with_those_that_are(tmp_path: Path) -> None:
    near = _inventory(tmp_path / "near", "g: {hosts: {gpu1: {ansible_host: 192.0.2.1}}}")
    with pytest.raises(SpecError, match="no host 'gpu2'") as caught:
        find("gpu2", [near], tmp_path / "state")
    assert "gpu1" in caught.value.detail
