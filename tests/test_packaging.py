"""The wheel carries what it needs and nothing that is private, and works from any folder."""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from what git tracks and would track, with a private file beside it."""
    dist = tmp_path_factory.mktemp("dist")
    private = ROOT / "inventory" / "hosts.yml"
    made = not private.exists()
    if made:
        private.write_text("secret: yes\n")
    try:
        argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(dist)]
        subprocess.run(argv, cwd=ROOT, check=True, capture_output=True)
    finally:
        if made:
            private.unlink()
    (found,) = dist.glob("*.whl")
    return found


@pytest.mark.slow
def test_the_wheel_carries_the_inventory_and_no_secret(wheel: Path) -> None:
    entries = zipfile.ZipFile(wheel).infolist()
    names = [entry.filename for entry in entries]
    assert "swarmctl/_assets/inventory/swarms/demo.yml" in names
    assert "swarmctl/_assets/inventory/prompts/backend.md" in names
    assert "swarmctl/py.typed" in names
    assert not [n for n in names if n.endswith(("hosts.yml", ".gguf")) or "tests/" in n]
    sizes = {entry.filename: entry.file_size for entry in entries if not entry.filename.endswith("/RECORD")}
    assert max(sizes.values()) < 24_000, "sources and small settings, no data: the largest file is the guard"
    assert wheel.stat().st_size < 1_500 * len(entries)


@pytest.mark.slow
def test_all_extras_can_be_installed_together_as_they_are_pinned(wheel: Path, tmp_path: Path) -> None:
    """vastai pins other packages to single versions: the market's own client must not fight with Ansible or agents."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = ",".join(project["optional-dependencies"])
    report = tmp_path / "report.json"
    argv = [
        sys.executable, "-m", "pip", "install", "-q", "--dry-run", "--ignore-installed", "--report", report,
        "-c", ROOT / "constraints.txt", f"{wheel}[{extras}]",
    ]  # fmt: skip
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names = {entry["metadata"]["name"].lower() for entry in json.loads(report.read_text())["install"]}
    assert {"vastai", "ansible-core", "ansible-runner", "docker", "xllamacpp", "pydantic-ai-slim"} <= names


@pytest.mark.scenario(seconds=55)
def test_the_wheel_in_a_bare_environment_runs_the_demo_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    venv, home = tmp_path / "venv", tmp_path / "home"
    home.mkdir()
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    install = [venv / "bin" / "python", "-m", "pip", "install", "-q", "-c", ROOT / "constraints.txt", f"{wheel}[local]"]
    subprocess.run(install, check=True, capture_output=True)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHONPATH", "SWARMCTL"))}
    env = {
        **clean,
        "PATH": f"{venv / 'bin'}:{os.environ['PATH']}",
        "HOME": str(home),
        "XDG_STATE_HOME": "",
        "XDG_DATA_HOME": "",
    }
    demo = subprocess.run(
        ["sh", ROOT / "docs" / "demo.sh"], cwd=home, env=env, capture_output=True, text=True, check=False
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "proofs hold" in demo.stdout
    assert "left: no process, no socket" in demo.stdout
    assert f"{ROOT}/provisioning" not in demo.stdout
