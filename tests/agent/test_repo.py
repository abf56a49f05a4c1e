"""Git by its plumbing: commits without a work tree, joining, conflicts, and every dirty repository."""

import asyncio
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from fakes.teams import Office, git
from swarmctl.agent.gitenv import bearer, git_env
from swarmctl.agent.repo import Author, Conflict, GitFailed, Repo

T = TypeVar("T")
WHO = Author("backend", "demo")


def do(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_a_commit_on_an_empty_repository(office: Office) -> None:
    base, repo = office.base(), Repo(office.bare)
    commit = do(repo.commit_files(base, {"src/a.py": b"x = 1\n"}, WHO, "write a\n\nSwarm-Step: 1\n"))
    assert office.show(f"{commit}:src/a.py") == "x = 1"
    told = git(office.bare, "log", "-1", "--format=%an <%ae>|%s|%(trailers:key=Swarm-Step,valueonly)|%P", commit)
    assert told == f"backend <backend@demo.swarmctl>|write a|1\n|{base}"
    assert do(repo.changed(base, commit)) == {"src/a.py": "100644"}


def test_the_mode_of_an_existing_file_stays(office: Office) -> None:
    base, repo = office.base({"run.sh": b"#!/bin/sh\n"}), Repo(office.bare)
    user = office.folder / "user-r1"
    git(user, "update-index", "--chmod=+x", "run.sh")
    git(user, "commit", "-qm", "x")
    git(user, "push", "-qf", str(office.bare), "HEAD:refs/swarm/r1/base")
    base = git(user, "rev-parse", "HEAD")
    commit = do(repo.commit_files(base, {"run.sh": b"#!/bin/sh\ntrue\n"}, WHO, "m"))
    assert do(repo.listing(commit))["run.sh"].mode == "100755"


def test_the_listing_of_a_dirty_repository(office: Office) -> None:
    office.base({"a.py": b"x\r\n", "logo.png": b"\x89PNG\x00"})
    user = office.folder / "user-r1"
    (user / "link").symlink_to("/etc/passwd")
    (user / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"x")
    git(user, "add", "--all")
    git(user, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor/lib")
    git(user, "commit", "-qm", "dirt")
    git(user, "push", "-qf", str(office.bare), "HEAD:refs/swarm/r1/base")
    repo = Repo(office.bare)
    listing = do(repo.listing(git(user, "rev-parse", "HEAD")))
    assert {path: entry.mode for path, entry in listing.items()} == {
        "a.py": "100644",
        "caf\udce9.txt": "100644",
        "link": "120000",
        "logo.png": "100644",
        "vendor/lib": "160000",
    }
    assert do(repo.read(listing["a.py"])) == b"x\r\n"
    commit = do(repo.commit_files(git(user, "rev-parse", "HEAD"), {"b.py": b"y\n"}, WHO, "m"))
    assert set(do(repo.listing(commit))) == {*listing, "b.py"}


def test_two_steps_join_as_one_commit_each(office: Office) -> None:
    base, repo = office.base({"a.py": b"1\n", "b.py": b"1\n"}), Repo(office.bare)
    one = do(repo.commit_files(base, {"a.py": b"2\n"}, WHO, "one"))
    two = do(repo.commit_files(base, {"b.py": b"2\n"}, WHO, "two"))
    joined = do(repo.join(one, two, WHO, "two"))
    assert isinstance(joined, str)
    assert git(office.bare, "rev-list", "--parents", joined).split("\n")[0] == f"{joined} {one}"
    assert (office.show(f"{joined}:a.py"), office.show(f"{joined}:b.py")) == ("2", "2")


def test_two_steps_on_the_same_lines_are_a_conflict(office: Office) -> None:
    base, repo = office.base({"a.py": b"1\n"}), Repo(office.bare)
    one = do(repo.commit_files(base, {"a.py": b"2\n"}, WHO, "one"))
    two = do(repo.commit_files(base, {"a.py": b"3\n"}, WHO, "two"))
    assert do(repo.join(one, two, WHO, "two")) == Conflict(("a.py",))


def test_several_tries_join_as_one_commit(office: Office) -> None:
    base, repo = office.base(), Repo(office.bare)
    first = do(repo.commit_files(base, {"a.py": b"1\n"}, WHO, "try 1"))
    second = do(repo.commit_files(first, {"a.py": b"2\n"}, WHO, "try 2"))
    joined = do(repo.join(base, second, WHO, "done"))
    assert isinstance(joined, str)
    assert git(office.bare, "rev-list", "--count", f"{base}..{joined}") == "1"


def test_a_diff_says_what_it_leaves_out(office: Office) -> None:
    base, repo = office.base(), Repo(office.bare)
    commit = do(repo.commit_files(base, {"a.txt": b"line\n" * 100}, WHO, "m"))
    assert "+line" in do(repo.diff(base, commit))
    assert do(repo.diff(base, commit, longest=100)).endswith("more characters\n")


def test_a_failure_carries_gits_last_line(office: Office) -> None:
    with pytest.raises(GitFailed, match=r"git ls-tree failed: fatal: Not a valid object name"):
        do(Repo(office.bare).listing("nothing"))
    assert do(Repo(office.bare).resolve("refs/heads/nothing")) is None


def test_hooks_and_the_users_settings_have_no_say(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    base = office.base()
    hook = office.bare / "hooks" / "reference-transaction"
    hook.write_text(f"#!/bin/sh\ntouch {office.folder}/hooked\nexit 1\n")
    hook.chmod(0o755)
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Mallory")
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'commit.gpgsign=true'")
    repo = Repo(office.bare)
    commit = do(repo.commit_files(base, {"a": b"a"}, WHO, "m"))
    do(repo.set_ref("refs/heads/x", commit))
    assert not (office.folder / "hooked").exists()
    assert git(office.bare, "log", "-1", "--format=%an", commit) == "backend"


def test_the_token_reaches_git_by_a_private_file_only(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    with bearer("http://127.0.0.1:1/git/work.git", tmp_path / "token", tmp_path) as config:
        assert config.stat().st_mode & 0o777 == 0o600
        assert "s3cret" not in "".join(git_env(config).values())
        shown = git(
            tmp_path,
            "config",
            "--file",
            str(config),
            "--get-urlmatch",
            "http.extraHeader",
            "http://127.0.0.1:1/git/work.git/x",
        )
        assert shown == "Authorization: Bearer s3cret"
    assert not config.exists()
