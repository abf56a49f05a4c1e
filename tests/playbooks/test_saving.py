"""Results that nobody fetched go to a git repository elsewhere: by a real git, with nothing of the agents' believed."""

import json
from pathlib import Path

import pytest

from fakes import savingprogram
from fakes.savingprogram import DATA, git, remote, there, told, worked

pytestmark = pytest.mark.slow
SAVE = savingprogram.load()


@pytest.fixture
def away(tmp_path: Path) -> Path:
    """A repository elsewhere that this machine is told of."""
    folder = remote(tmp_path / "away.git")
    told(tmp_path, f"file://{folder}")
    return folder


def test_results_arrive_and_the_mark_goes(tmp_path: Path, away: Path) -> None:
    commits = worked(tmp_path, "a1", "b2")
    assert SAVE.main([], tmp_path) == 0
    assert there(away) == commits
    assert not (tmp_path / DATA / "results-unfetched").exists()
    assert sorted(one.name for one in (tmp_path / DATA).iterdir()) == ["git"]
    commits |= worked(tmp_path, "c3")
    assert SAVE.main([], tmp_path) == 0
    assert there(away) == commits


def test_remote_that_refuses_keeps_the_mark_and_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told(tmp_path, f"file://{tmp_path}/nowhere.git")
    commits = worked(tmp_path, "a1")
    assert SAVE.main([], tmp_path) == 1
    assert json.loads((tmp_path / DATA / "results-unfetched").read_text()) == commits
    assert "agent-orchestrator: git push" in capsys.readouterr().err


def test_result_that_came_meanwhile_stays_marked(tmp_path: Path, away: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worked(tmp_path, "a1")
    push = SAVE.git

    def slow(config: object, folder: object, *words: str, feed: str = "") -> str:
        if words[0] == "push":
            worked(tmp_path, "b2")
        return str(push(config, folder, *words, feed=feed))

    monkeypatch.setattr(SAVE, "git", slow)
    assert SAVE.main([], tmp_path) == 0
    assert there(away).keys() == {"a1"}
    assert json.loads((tmp_path / DATA / "results-unfetched").read_text()).keys() == {"a1", "b2"}


def test_settings_and_hooks_of_an_agent_are_not_obeyed(tmp_path: Path, away: Path) -> None:
    commits = worked(tmp_path, "a1")
    repo, trap = tmp_path / DATA / "git" / "work.git", tmp_path / "trapped"
    for name in ("pre-push", "reference-transaction", "post-checkout"):
        hook = repo / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {trap}\n")
        hook.chmod(0o755)
    for key in ("core.sshCommand", "core.alternateRefsCommand", "uploadpack.packObjectsHook", "credential.helper"):
        git(repo, "config", key, f"!touch {trap}")
    git(repo, "config", f"url.file://{tmp_path}/theirs.git.insteadOf", f"file://{away}")
    assert SAVE.main([], tmp_path) == 0
    assert there(away) == commits
    assert not trap.exists()


@pytest.mark.parametrize(
    "mark",
    ["", "[]", "nonsense", '{"../../x": "' + "a" * 40 + '"}', '{"a1": "HEAD"}', '{"a1": 7}', "[" * 100_000],
)
def test_mark_that_is_none_is_left_alone(tmp_path: Path, away: Path, mark: str) -> None:
    worked(tmp_path, "a1")
    (tmp_path / DATA / "results-unfetched").write_text(mark)
    assert SAVE.main([], tmp_path) == 0
    assert there(away) == {}


def test_mark_that_leads_elsewhere_harms_nothing(tmp_path: Path, away: Path) -> None:
    commits = worked(tmp_path, "a1")
    mark, other = tmp_path / DATA / "results-unfetched", tmp_path / "other.json"
    mark.rename(other)
    mark.symlink_to(other)
    assert SAVE.main([], tmp_path) == 0
    assert json.loads(other.read_text()) == commits
    assert there(away) == commits


def test_commit_that_is_not_there_holds_no_other_agent(tmp_path: Path, away: Path) -> None:
    commits = worked(tmp_path, "a1")
    lost = tmp_path / DATA.replace("seven", "other")
    lost.mkdir(parents=True)
    (lost / "results-unfetched").write_text(json.dumps({"z9": "f" * 40}))
    assert SAVE.main([], tmp_path) == 1
    assert there(away) == commits


def test_check_asks_whether_it_may_push_and_pushes_nothing(tmp_path: Path, away: Path) -> None:
    assert SAVE.main(["check"], tmp_path) == 0
    assert there(away) == {}
    told(tmp_path, f"file://{tmp_path}/nowhere.git")
    assert SAVE.main(["check"], tmp_path) == 1


def test_git_is_given_the_token_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    told(tmp_path, "https://example.org/r.git", token_file=str(tmp_path / "token"), user="me")
    assert SAVE.main(["credential", "get"], tmp_path) == 0
    assert capsys.readouterr().out == "username=me\npassword=s3cret\n"
    assert SAVE.main(["credential", "store"], tmp_path) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("text", ["", "[]", "{", '{"remote": 7}', '{"remote": ""}'])
def test_settings_that_are_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "etc/swarmctl/save.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert SAVE.main([], tmp_path) == 1


def test_words_that_it_does_not_know(tmp_path: Path, away: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert SAVE.main(["everything"], tmp_path) == 2
    assert "save check" in capsys.readouterr().err
    assert there(away) == {}
