"""Swarm files are found, and everything that they name is looked for."""

from pathlib import Path

import pytest

from swarmctl.effects.specs import locate, open_spec, ready_made
from swarmctl.errors import SpecError

FILE = """\
name: mine
models:
  m: {path: models/m.gguf}
roles:
  orchestrator: {model: m}
  poet: {model: m}
  backend:
    model: m
    prompt: prompts/mine.md
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "m.gguf").write_bytes(b"GGUF")
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "mine.md").write_text("You are mine.\n")
    path = tmp_path / "swarm.yml"
    path.write_text(FILE)
    return path


def test_what_a_file_names_counts_from_the_file(file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir("/")
    opened = open_spec(file)
    assert opened.spec.models["m"].path == str(tmp_path / "models" / "m.gguf")
    assert opened.prompts["backend"] == "You are mine."
    assert opened.prompts["orchestrator"].startswith("You lead")
    assert opened.prompts["poet"].startswith("You are one developer")


def test_everything_that_is_missing_is_said_at_once(file: Path) -> None:
    (file.parent / "models" / "m.gguf").unlink()
    (file.parent / "prompts" / "mine.md").unlink()
    with pytest.raises(SpecError) as caught:
        open_spec(file)
    first, second = caught.value.detail.splitlines()
    assert first.startswith(f"{file}:9: roles.backend.prompt: ")
    assert second.startswith(f"{file}:3: models.m.path: there is no file ")


def test_every_ready_made_swarm_opens() -> None:
    assert {"demo", "seven", "seven-3b"} <= set(ready_made())
    for name in ready_made():
        opened = open_spec(locate(None, name))
        assert opened.spec.name == name
        assert set(opened.prompts) == set(opened.spec.roles)


def test_seven_is_as_it_is_described() -> None:
    spec = open_spec(locate(None, "seven")).spec
    assert spec.specialists == ("frontend", "backend", "testing", "security", "docs", "devops")
    assert (spec.engine.context, spec.engine.keep_alive) == (8192, 1800)
    assert (spec.limits.output, spec.limits.time, spec.limits.requests) == (2048, 1200, 10)
