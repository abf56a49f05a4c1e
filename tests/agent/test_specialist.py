"""One step of real git work: what is fetched, shown, refused, repaired, committed and pushed."""

import asyncio
from pathlib import Path

import pytest

from fakes.agents import TOKEN, Served, settings
from fakes.teams import Office, Reply, Scripted, fenced, git
from swarmctl.agent.ports import ModelFailed, TooLarge
from swarmctl.agent.specialist import perform
from swarmctl.core.messages import Step, StepDone, StepOrder

ADD = "def add(a, b):\n    return a + b\n"
LONG = "".join(f"def f{n}(x):\n    return x + {n}\n\n\n" for n in range(100))


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def step(
    office: Office,
    base: str,
    *replies: Reply,
    files: tuple[str, ...] = ("add.py",),
    task: str = "Write add.",
    url: str = "",
) -> tuple[StepDone, Scripted]:
    model = Scripted(*replies)
    order = StepOrder(
        run="r1",
        number=1,
        task=task,
        step=Step(role="backend", title="write add", files=files, accept="add(1, 2) is 3"),
        git=url or f"file://{office.bare}",
        commit=base,
        push="refs/swarm/r1/step/1/1",
    )
    return asyncio.run(perform(order, harness=model, settings=office.files["backend"])), model


def test_a_file_is_written_committed_and_pushed(office: Office) -> None:
    done, model = step(office, office.base(), fenced("add.py", ADD))
    assert (done.problem, done.files) == ("", ("add.py",))
    assert office.show("refs/swarm/r1/step/1/1:add.py") == ADD.strip()
    assert git(office.bare, "rev-parse", "refs/swarm/r1/step/1/1") == done.commit
    message = git(office.bare, "log", "-1", "--format=%B", str(done.commit))
    assert message.splitlines()[-3:] == ["Swarm-Run: r1", "Swarm-Step: 1", "Swarm-Role: backend"]
    assert "add.py does not exist yet" in model.asked[0]
    assert done.usage.requests == 1
    assert len(done.transcript) == 2
    assert list((Path(office.files["backend"].data) / "clones").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("token", [TOKEN, "wrong"])
def test_over_http_with_the_swarms_token(tmp_path: Path, token: str) -> None:
    """The orchestrator's real server; the token reaches git by its private file."""
    with Served(settings(tmp_path, "http://127.0.0.1:1/v1", role="orchestrator")) as served:
        office = Office(tmp_path / "office")
        server = tmp_path / "orchestrator" / "git" / "work.git"
        base = office.base()
        git(office.folder / "user-r1", "push", "-q", str(server), "HEAD:refs/swarm/r1/base")
        (office.folder / "token").write_text(token)
        done, _ = step(office, base, fenced("add.py", ADD), url=f"{served.url}/git/work.git")
        if token == TOKEN:
            assert git(server, "show", "refs/swarm/r1/step/1/1:add.py") == ADD.strip()
        else:
            assert done.commit is None
            assert "git fetch failed" in done.problem


def test_what_is_there_is_shown_and_crlf_kept(office: Office) -> None:
    base = office.base({"add.py": b"def add(a, b):\r\n    return 0\r\n"})
    done, model = step(office, base, fenced("add.py", ADD))
    assert "    return 0\n" in model.asked[0]
    assert git(office.bare, "cat-file", "-s", f"{done.commit}:add.py") == str(len(ADD) + 2)


def test_a_refused_answer_is_asked_for_once_more_with_the_reason(office: Office) -> None:
    done, model = step(office, office.base(), "Sorry, I cannot.", fenced("add.py", ADD))
    assert done.commit
    assert "- the answer has no fenced block with a file in it" in model.asked[1]
    assert done.cut[0].startswith("asked again:")
    assert done.usage.requests == 2


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        ("", "no fenced block"),
        (fenced("../evil.py", ADD), "'..'"),
        (fenced("/etc/cron.d/evil", ADD), "not relative"),
        (fenced(".git/hooks/post-checkout", ADD), "git's own"),
        (fenced("other.py", ADD), "not in the step's list"),
        ("add.py\n```\ndef add(", "not closed"),
        (fenced("add.py", "def add(:\n"), "not valid Python"),
        (fenced("add.py", "# ... existing code ...\n"), "leaves code out"),
    ],
)
def test_nothing_is_pushed_when_the_second_answer_is_refused_too(office: Office, reply: str, word: str) -> None:
    done, model = step(office, office.base(), reply)
    assert done.commit is None
    assert word in done.problem
    assert len(model.asked) == 2
    assert office.refs() == ["refs/swarm/r1/base"]


def test_an_answer_that_changes_nothing(office: Office) -> None:
    done, _ = step(office, office.base({"add.py": ADD.encode()}), fenced("add.py", ADD))
    assert done.problem == "the answer changes nothing"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"\x89PNG\x00\x01", "binary"),
        (b"caf\xe9\n", "binary or not UTF-8"),
        (b"x = 1\n" * 400, "name the function"),
        (b"def f(:\n" * 400, "does not parse"),
    ],
)
def test_files_that_no_model_may_rewrite(office: Office, content: bytes, word: str) -> None:
    done, model = step(office, office.base({"add.py": content}), fenced("add.py", ADD))
    assert word in done.problem
    assert model.asked == []


def test_symlinks_and_submodules_are_not_written_through(office: Office) -> None:
    office.base()
    user = office.folder / "user-r1"
    (user / "out").symlink_to("/tmp")
    git(user, "add", "--all")
    git(user, "update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor")
    git(user, "commit", "-qm", "dirt")
    git(user, "push", "-qf", str(office.bare), "HEAD:refs/swarm/r1/base")
    for path, word in (("out/x.py", "symlink 'out'"), ("vendor/x.py", "submodule 'vendor'")):
        done, model = step(office, git(user, "rev-parse", "HEAD"), fenced(path, ADD), files=(path,))
        assert word in done.problem
        assert model.asked == []


def test_one_function_of_a_long_file(office: Office) -> None:
    base = office.base({"long.py": LONG.encode()})
    new = "def f42(x):\n    return 42\n"
    done, model = step(office, base, fenced("long.py", new), files=("long.py",), task="Let f42 return 42.")
    assert done.problem == ""
    assert "f42 in long.py today" in model.asked[0]
    assert "f41" not in model.asked[0]
    assert office.show(f"{done.commit}:long.py") == LONG.replace("return x + 42\n", "return 42\n").strip()


def test_only_three_old_files_are_given(office: Office) -> None:
    files = tuple(f"{name}.txt" for name in "abcd")
    base = office.base(dict.fromkeys(files, b"old\n"))
    done, model = step(office, base, "".join(fenced(path, "new\n") for path in files[:3]), files=files)
    assert done.files == files[:3]
    assert "d.txt today" not in model.asked[0]
    assert any("d.txt was left as it is" in sentence for sentence in done.cut)


@pytest.mark.parametrize("bad", [TooLarge("the prompt is too large"), ModelFailed("the engine is gone")])
def test_a_model_that_fails_is_a_problem_not_a_traceback(office: Office, bad: Exception) -> None:
    done, _ = step(office, office.base(), bad)
    assert (done.commit, done.problem) == (None, str(bad))


def test_a_commit_that_is_not_there(office: Office) -> None:
    office.base()
    done, _ = step(office, "1" * 40, fenced("add.py", ADD))
    assert "has no commit 111111111111" in done.problem


def test_a_step_without_files_is_answered_in_words(office: Office) -> None:
    done, _ = step(office, "", "Use a dict.", files=())
    assert (done.answer, done.commit, done.problem) == ("Use a dict.", None, "")
