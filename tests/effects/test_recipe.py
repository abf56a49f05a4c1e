"""What our images are built from: the same bytes from a checkout and from a wheel, nothing more than an agent needs."""

import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from swarmctl import __version__, assets
from swarmctl.effects.recipe import Recipe, recipe

ROOT = Path(__file__).resolve().parents[2]
AGENT = f"swarmctl/agent:{__version__}"
BASE = "sha256:" + "0" * 64


def names_of(found: Recipe) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(found.context())) as tar:
        return tar.getnames()


def of(reference: str) -> Recipe:
    found = recipe(reference)
    assert found is not None
    return found


def test_only_our_own_images_of_this_version_are_built() -> None:
    assert of(f"swarmctl/converter:{__version__}").base.startswith("debian:")
    assert recipe("swarmctl/agent:0.0.1") is None
    assert recipe("ollama/ollama:0.32.15") is None


def test_the_context_of_an_agent_is_what_it_runs() -> None:
    names = names_of(of(AGENT))
    assert names == sorted(names)
    assert {"compose/agent/Dockerfile", "compose/agent/requirements.txt"} <= set(names)
    assert {"provisioning/swarmctl/agent/serve.py", "provisioning/swarmctl/core/spec.py"} <= set(names)
    assert not [n for n in names if "__pycache__" in n or "/effects/" in n or "/cli/" in n]


@pytest.mark.slow
def test_what_an_agent_imports_is_in_its_context() -> None:
    names = names_of(of(AGENT))
    code = (
        "import sys, swarmctl.agent.serve, swarmctl.agent.forward\n"
        "print('\\n'.join(m.__file__ for n, m in sys.modules.items() if n.startswith('swarmctl') and m.__file__))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    used = {Path(file).relative_to(ROOT).as_posix() for file in said}
    assert len(used) > 30
    assert used <= set(names)


def test_inputs_change_with_recipe_files_and_base_and_with_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = of(AGENT).inputs(BASE)
    assert of(AGENT).inputs(BASE) == before
    assert of(AGENT).inputs("sha256:" + "1" * 64) != before
    copy = tmp_path / "compose"
    for path in (assets.root() / "compose").glob("*/*"):
        (copy / path.parent.name).mkdir(parents=True, exist_ok=True)
        (copy / path.parent.name / path.name).write_bytes(path.read_bytes())
    monkeypatch.setenv("SWARMCTL_ASSETS", str(tmp_path))
    assert of(AGENT).inputs(BASE) == before, "the same files, elsewhere and of another day"
    lock = copy / "agent" / "requirements.txt"
    lock.write_text(lock.read_text().replace("h11==0.16.0", "h11==0.16.1"))
    assert of(AGENT).inputs(BASE) != before


def test_files_are_read_again_when_one_of_them_is_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file = tmp_path / "a"
    file.write_text("one")
    found = Recipe("agent", AGENT, (("a", file),))
    before = found.inputs(BASE)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("read though nothing changed"))
    assert found.inputs(BASE) == before
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    file.write_text("two")
    assert found.inputs(BASE) != before
    file.write_text("one")
    for kept in (tmp_path / "cache").rglob("recipe-*.json"):
        kept.write_text("nonsense")
    assert found.inputs(BASE) == before


@pytest.mark.slow
def test_a_wheel_builds_the_same_image_as_the_checkout(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    code = (
        "from swarmctl.effects.recipe import recipe; import swarmctl\n"
        f"print(swarmctl.__file__, recipe({AGENT!r}).inputs({BASE!r}))"
    )
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "PYTHONDONTWRITEBYTECODE": "1"}
    said = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=tmp_path, capture_output=True, text=True, check=True
    ).stdout.split()
    assert said[0].startswith(str(tmp_path))
    assert said[1] == of(AGENT).inputs(BASE)
