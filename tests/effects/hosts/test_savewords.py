"""What a rented machine is told so that it can push results elsewhere."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from swarmctl.core.privacy import readers
from swarmctl.core.target import Save, Target
from swarmctl.effects.hosts.preparing import form
from swarmctl.effects.hosts.savewords import saving
from swarmctl.errors import SpecError

SSH = "git@git.example:me/results.git"


def file(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_key_and_host_keys_of_a_remote_by_ssh(tmp_path: Path) -> None:
    file(tmp_path / "deploy", "-- key --\n")
    file(tmp_path / "known", "git.example ssh-ed25519 AAAA\n", 0o644)
    found = saving(Save(remote=SSH, key="deploy", known_hosts="known"), tmp_path)
    assert found == {
        "saving_remote": SSH,
        "saving_key": "-- key --\n",
        "saving_token": "",
        "saving_user": "swarmctl",
        "saving_known_hosts": "git.example ssh-ed25519 AAAA",
    }
    other = saving(Save(remote=SSH, key=str(file(tmp_path / "new", "other")), known_hosts="known"), tmp_path)
    assert form(found) == form(other), "no hash is made of a secret"
    assert form(found) != form({})


def test_token_for_https(tmp_path: Path) -> None:
    token = file(tmp_path / "token", "t0k3n\n")
    found = saving(Save(remote="https://git.example/me/r.git", token=str(token), user="me"), Path("/"))
    assert (found["saving_token"], found["saving_user"], found["saving_key"]) == ("t0k3n", "me", "")


def test_nothing_wanted_is_nothing_told(tmp_path: Path) -> None:
    assert saving(None, tmp_path) == {"saving_forget": True}


def test_every_file_that_will_not_do_is_named(tmp_path: Path) -> None:
    file(tmp_path / "open", "key", 0o644)
    with pytest.raises(SpecError) as e:
        saving(Save(remote=SSH, key="open", known_hosts="missing"), tmp_path)
    assert "save.key: open: others on this computer can read it: chmod 600" in e.value.detail
    assert "save.known_hosts: missing: No such file" in e.value.detail
    file(tmp_path / "empty", " \n")
    with pytest.raises(SpecError, match="could not be saved") as e:
        saving(Save(remote=SSH, key="empty"), tmp_path)
    assert "it is empty" in e.value.detail


@pytest.mark.parametrize(
    "given",
    [
        {"remote": SSH},
        {"remote": SSH, "key": "k", "token": "t"},
        {"remote": SSH, "token": "t"},
        {"remote": "https://git.example/r.git", "key": "k"},
        {"remote": "https://me:password@git.example/r.git", "token": "t"},
        {"remote": "--upload-pack=x", "key": "k"},
        {"remote": "ext::sh -c x", "key": "k"},
        {"remote": "/srv/r.git", "key": "k"},
        {"remote": "git@host:-x y", "key": "k"},
        {"remote": "https://git.example/r.git", "token": "t", "user": "a b"},
    ],
)
def test_remote_that_is_none_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Save(**given)


def test_plan_says_who_can_read_the_key() -> None:
    target = Target.model_validate({"vast": {"save": {"remote": SSH, "key": "k"}}})
    assert f"the key to {SSH} among them" in readers(target)
