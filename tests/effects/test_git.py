"""The user's repository is read, pushed from and fetched into, and stays as it was."""

import subprocess
from pathlib import Path

import pytest

from swarmctl.effects.git import Workspace, token_config
from swarmctl.errors import HostError, SpecError


def git(folder: Path, *args: str) -> str:
    identity = ("-c", "user.name=you", "-c", "user.email=you@localhost")
    return subprocess.run(["git", "-C", folder, *identity, *args], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    subprocess.run(["git", "init", "-q", "-b", "main", folder], check=True)
    (folder / "a.txt").write_text("one\n")
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "First")
    return folder


def test_the_base_is_head_and_what_is_not_committed_is_said(repository: Path) -> None:
    head = git(repository, "rev-parse", "HEAD").strip()
    assert Workspace(repository).base().commit == head
    (repository / "a.txt").write_text("two\n")
    (repository / "b.txt").write_text("new\n")
    base = Workspace(repository).base()
    assert base.commit == head
    assert base.notes == (
        "the working tree has 2 changes that are not committed: the team starts from HEAD and does not see them",
    )


def test_an_empty_repository_starts_from_nothing(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    base = Workspace(tmp_path).base()
    assert "no commit yet" in base.notes[0]
    assert git(tmp_path, "ls-tree", base.commit) == ""
    assert git(tmp_path, "branch", "--list") == ""


@pytest.mark.parametrize("make", [lambda p: p / "nowhere", lambda p: p])
def test_no_repository_is_refused_with_what_to_type(tmp_path: Path, make) -> None:
    with pytest.raises(SpecError) as caught:
        Workspace(make(tmp_path))
    assert caught.value.hint


def test_push_and_fetch_touch_nothing_of_the_users(repository: Path, tmp_path: Path) -> None:
    remote = tmp_path / "work.git"
    subprocess.run(["git", "init", "-q", "--bare", remote], check=True)
    hook = repository / ".git" / "hooks" / "pre-push"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    (repository / "a.txt").write_text("dirty\n")
    before = git(repository, "status", "--porcelain=v2", "--branch")
    workspace, config = Workspace(repository), token_config(tmp_path / "git.conf", "s3cret")
    base = workspace.base().commit
    workspace.push(str(remote), base, "refs/swarm/r1/base", config)
    assert git(remote, "rev-parse", "refs/swarm/r1/base").strip() == base
    git(remote, "update-ref", "refs/heads/swarm/r1", base)
    workspace.fetch(str(remote), "refs/heads/swarm/r1", "swarm/r1", config)
    assert git(repository, "rev-parse", "swarm/r1").strip() == base
    assert git(repository, "status", "--porcelain=v2", "--branch") == before
    assert not (repository / ".git" / "FETCH_HEAD").exists()


def test_the_token_is_in_a_private_file_only(repository: Path, tmp_path: Path) -> None:
    config = token_config(tmp_path / "git.conf", "s3cret")
    assert config.stat().st_mode & 0o777 == 0o600
    with pytest.raises(HostError) as caught:
        Workspace(repository).push("http://127.0.0.1:9/x.git", "HEAD", "refs/x", config)
    assert "s3cret" not in f"{caught.value} {caught.value.detail} {caught.value.hint}"


def test_a_branch_is_shown_as_commits_and_a_diff(repository: Path) -> None:
    base = git(repository, "rev-parse", "HEAD").strip()
    git(repository, "checkout", "-q", "-b", "swarm/r1")
    (repository / "a.txt").write_text("two\n")
    git(repository, "commit", "-qam", "Change one to two")
    workspace = Workspace(repository)
    ((_, who, title),) = workspace.log(base, "swarm/r1")
    assert (who, title) == ("you", "Change one to two")
    assert "-one\n+two" in workspace.diff(base, "swarm/r1")
