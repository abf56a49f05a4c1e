"""The swarm's repository over HTTP, by the real git on both ends."""

import gzip
import os
import re
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.agents import TOKEN, Served, settings, until
from fakes.alive import children
from swarmctl.agent import gitserver


class Client:
    """A user's git, with a config file in place of their own."""

    def __init__(self, folder: Path, url: str, token: str) -> None:
        self.folder, self.url = folder, url
        folder.mkdir()
        config = folder / "token.config"
        config.write_text(f'[http "{url}"]\n\textraHeader = "Authorization: Bearer {token}"\n')
        config.chmod(0o600)
        self.env = {
            "PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C",
            "GIT_CONFIG_GLOBAL": str(config), "GIT_TERMINAL_PROMPT": "0", "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b",
        }  # fmt: skip

    def start(self, *args: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["git", *args], cwd=self.folder, env=self.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip

    def git(self, *args: str, fails: bool = False) -> str:
        process = self.start(*args)
        out, _ = process.communicate(timeout=60)
        assert (process.returncode != 0) == fails, out
        return out

    def commit(self, name: str, content: bytes) -> str:
        self.git("init", "-q", "-b", "main", ".")
        (self.folder / name).write_bytes(content)
        self.git("add", name)
        self.git("commit", "-qm", f"Add {name}")
        return self.git("rev-parse", "HEAD").strip()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with Served(settings(tmp_path / "agent", "http://127.0.0.1:1/v1", "orchestrator")) as agent:
        yield agent


@pytest.fixture
def url(served: Served) -> str:
    return f"{served.url}/git/work.git"


def test_push_clone_and_fetch(tmp_path: Path, url: str) -> None:
    user = Client(tmp_path / "user", url, TOKEN)
    head = user.commit("a.txt", b"one\n")
    user.git("push", "-q", url, "HEAD:refs/swarm/r1/base")
    other = Client(tmp_path / "other", url, TOKEN)
    assert other.git("ls-remote", url).split() == [head, "refs/swarm/r1/base"]
    other.git("init", "-q", "clone")
    other.git("-C", "clone", "fetch", "-q", "--depth=1", url, head)
    other.git("-C", "clone", "checkout", "-q", "FETCH_HEAD")
    assert (other.folder / "clone" / "a.txt").read_bytes() == b"one\n"
    other.git("-C", "clone", "-c", "protocol.version=2", "fetch", "-q", url, "refs/swarm/r1/base")


def test_the_protocol_version_reaches_git(tmp_path: Path, url: str) -> None:
    user = Client(tmp_path / "user", url, TOKEN)
    user.env["GIT_TRACE_PACKET"] = "1"
    assert "version 2" in user.git("-c", "protocol.version=2", "ls-remote", url)


def test_a_wrong_token_is_refused_and_none_asked_for(tmp_path: Path, url: str) -> None:
    user = Client(tmp_path / "user", url, "wrong")
    user.commit("a.txt", b"one\n")
    for argv in (["push", url, "HEAD:refs/swarm/r1/base"], ["ls-remote", url], ["clone", url, "c"]):
        said = user.git(*argv, fails=True)
        assert "could not read Username" in said or "401" in said
        assert "wrong" not in said.replace(str(tmp_path), "")


@pytest.mark.slow
def test_a_push_of_20_mb_and_a_fetch_of_it(tmp_path: Path, url: str) -> None:
    user = Client(tmp_path / "user", url, TOKEN)
    content = os.urandom(20 * 1024 * 1024)
    user.commit("big.bin", content)
    user.git("push", "-q", url, "HEAD:refs/swarm/r1/base")
    other = Client(tmp_path / "other", url, TOKEN)
    other.git("init", "-q", ".")
    other.git("fetch", "-q", url, "refs/swarm/r1/base")
    other.git("checkout", "-q", "FETCH_HEAD")
    assert (other.folder / "big.bin").read_bytes() == content


@pytest.mark.slow
def test_eight_pushes_at_once_to_refs_of_their_own(tmp_path: Path, url: str, served: Served) -> None:
    clients = [Client(tmp_path / f"user{n}", url, TOKEN) for n in range(8)]
    heads = [client.commit("a.txt", f"{n}\n".encode()) for n, client in enumerate(clients)]
    pushes = [c.start("push", "-q", url, f"HEAD:refs/swarm/r1/step/{n}/1") for n, c in enumerate(clients)]
    assert [(process.communicate(timeout=60)[0], process.returncode) for process in pushes] == [("", 0)] * 8
    bare = Path(served.file.data) / "git" / "work.git"
    refs = subprocess.run(
        ["git", "-C", bare, "for-each-ref", "--format=%(objectname)"], capture_output=True, check=True
    )
    assert refs.stdout.decode().split() == heads


def test_only_the_three_services_of_one_repository_answer(url: str, served: Served) -> None:
    base = served.url
    for path in ("HEAD", "config", "objects/info/packs", "../work.git/config", "git-upload-archive"):
        assert status(f"{url}/{path}") == 404, path
    assert status(f"{base}/git/other.git/info/refs?service=git-upload-pack") == 404
    assert status(f"{url}/info/refs?service=git-upload-pack") == 200
    assert status(f"{url}/info/refs?service=git-upload-pack", token="no") == 401


def test_a_compressed_request_is_understood(tmp_path: Path, url: str) -> None:
    user = Client(tmp_path / "user", url, TOKEN)
    head = user.commit("a.txt", b"one\n")
    user.git("push", "-q", url, "HEAD:refs/heads/main")
    body = gzip.compress(f"0032want {head}\n00000009done\n".encode())
    headers = {"Content-Type": "application/x-git-upload-pack-request", "Content-Encoding": "gzip"}
    request = urllib.request.Request(f"{url}/git-upload-pack", body, {**headers, "Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(request) as reply:
        assert b"PACK" in reply.read()


def test_more_than_the_cap_is_refused_however_it_is_sent(
    tmp_path: Path, url: str, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = next(r.endpoint for r in app_routes(served) if "git" in r.path)
    monkeypatch.setattr(git, "_cap", 100_000)
    user = Client(tmp_path / "user", url, TOKEN)
    user.commit("big.bin", os.urandom(300_000))
    said = user.git("-c", "http.postBuffer=10000000", "push", url, "HEAD:refs/heads/big", fails=True)
    assert re.search(r"\b413\b", said)
    chunked = user.git("-c", "http.postBuffer=65536", "push", url, "HEAD:refs/heads/big", fails=True)
    assert not re.search(r"\b413\b", chunked)
    assert user.git("ls-remote", url) == ""


def test_a_commit_with_a_git_folder_in_it_is_refused(tmp_path: Path, url: str) -> None:
    user = Client(tmp_path / "user", url, TOKEN)
    user.commit("a.txt", b"one\n")
    blob = user.git("hash-object", "-w", "a.txt").strip()
    inner = subprocess.run(
        ["git", "mktree"], input=f"100644 blob {blob}\tconfig\n", cwd=user.folder, env=user.env, text=True,
        capture_output=True, check=True,
    ).stdout.strip()  # fmt: skip
    tree = subprocess.run(
        ["git", "mktree"], input=f"040000 tree {inner}\t.git\n", cwd=user.folder, env=user.env, text=True,
        capture_output=True, check=True,
    ).stdout.strip()  # fmt: skip
    commit = user.git("commit-tree", "-m", "evil", tree).strip()
    assert "hasDotgit" in user.git("push", url, f"{commit}:refs/heads/evil", fails=True)


@pytest.mark.slow
def test_a_client_that_leaves_takes_its_git_along(tmp_path: Path, url: str) -> None:
    user = Client(tmp_path / "user", url, TOKEN)
    user.commit("big.bin", os.urandom(30 * 1024 * 1024))
    push = user.start("push", "-q", url, "HEAD:refs/heads/big")
    until(lambda: backends() > 0)
    os.killpg(push.pid, signal.SIGKILL)
    push.communicate()
    until(lambda: backends() == 0, 15)
    assert user.git("ls-remote", url) == ""


def backends() -> int:
    """git processes that this very process has started and that still run."""
    return sum("http-backend" in one.name or "receive-pack" in one.name for one in children())


def status(url: str, token: str = TOKEN) -> int:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    try:
        with urllib.request.urlopen(request) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as e:
        e.close()
        return e.code


def app_routes(served: Served) -> list:  # type: ignore[type-arg]
    app = served._server.config.app  # type: ignore[union-attr]
    return app.routes


def test_the_repository_is_bare_and_quiet(served: Served) -> None:
    bare = Path(served.file.data) / "git" / "work.git"
    get = ["git", "-C", str(bare), "config", "--get"]
    values = {key: subprocess.run([*get, key], capture_output=True, text=True, check=True).stdout.strip()
              for key in ("core.bare", "gc.auto", "receive.fsckObjects")}  # fmt: skip
    assert values == {"core.bare": "true", "gc.auto": "0", "receive.fsckObjects": "true"}
    assert not list(bare.glob("hooks/*"))
    assert gitserver.BODY_CAP == 512 * 1024 * 1024
