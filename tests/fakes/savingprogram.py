"""The program that saves results as a module, and an agent's folder as agents leave it."""

import importlib.util
import json
import subprocess
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "playbooks" / "roles" / "saving" / "files" / "save"
DATA = "var/lib/swarmctl/swarms/seven/data/agent-orchestrator"


def load() -> ModuleType:
    """The program as it travels to hosts."""
    loader = SourceFileLoader("save_program", str(PROGRAM))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def git(folder: Path, *words: str) -> str:
    """What git prints there."""
    who = ["-c", "user.name=agent", "-c", "user.email=agent@swarm"]
    done = subprocess.run(["git", "-C", str(folder), *who, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def worked(root: Path, *runs: str) -> dict[str, str]:
    """An orchestrator's folder with a branch for each run, none of them fetched: run -> commit."""
    place = root / DATA
    repo = place / "git" / "work.git"
    repo.mkdir(parents=True, exist_ok=True)
    git(repo, "init", "--quiet", "--bare", "--template=")
    tree = subprocess.run(["git", "-C", str(repo), "mktree"], input=b"", capture_output=True, check=True)
    commits = {}
    for run in runs:
        commits[run] = git(repo, "commit-tree", tree.stdout.decode().strip(), "-m", f"work of {run}")
        git(repo, "update-ref", f"refs/heads/swarm/{run}", commits[run])
    mark = place / "results-unfetched"
    known = json.loads(mark.read_text()) if mark.exists() else {}
    mark.write_text(json.dumps({**known, **commits}))
    return commits


def told(root: Path, remote: str, **more: str) -> None:
    """Its settings."""
    given = {"remote": remote, "key_file": "/dev/null", "token_file": "", "user": "swarmctl"}
    given |= {"known_hosts": str(root / "known"), **more}
    path = root / "etc/swarmctl/save.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**given, "marks": ["/var/lib/swarmctl/swarms/*/data/*"]}))


def remote(folder: Path) -> Path:
    """An empty repository elsewhere."""
    folder.mkdir()
    git(folder, "init", "--quiet", "--bare", "--template=")
    return folder


def there(folder: Path) -> dict[str, str]:
    """Branch -> commit of a repository."""
    rows = git(folder, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return {name.removeprefix("refs/heads/swarm/"): commit for name, commit in (row.split() for row in rows)}
