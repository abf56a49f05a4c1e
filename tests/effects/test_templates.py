"""Templates come from the data folder, and what they compile to is kept between two commands."""

import pickle
from itertools import count
from pathlib import Path

import pytest
from jinja2.bccache import bc_magic

from swarmctl import assets
from swarmctl.core.modelfile import EngineModel, modelfile
from swarmctl.core.templates import Templates, environment
from swarmctl.effects.templates import modelfile_templates, stack_templates
from swarmctl.errors import HostError

COMMANDS = count()
MODEL = EngineModel("lead", "sha256:" + "1" * 64, "1" * 64, "chatml", 2048, -1)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "swarmctl" / "templates"


def anew(texts: Templates) -> Templates:
    """The same as another command would read them: nothing of them is in memory."""
    return Templates({**texts, f"another-{next(COMMANDS)}": ""}, texts.kept)


def kept(cache: Path) -> list[Path]:
    return sorted(path for path in cache.rglob("*") if path.is_file())


def test_compiled_templates_are_kept_for_their_owner_alone(cache: Path) -> None:
    text = modelfile(MODEL, anew(modelfile_templates()))
    assert kept(cache)
    assert all(folder.stat().st_mode & 0o077 == 0 for folder in cache.rglob("*") if folder.name == "modelfiles")
    assert modelfile(MODEL, anew(modelfile_templates())) == text


def test_a_file_that_was_cut_anywhere_in_its_header_is_made_again(cache: Path) -> None:
    """Jinja itself ends in different errors, by where the cut is."""
    text = modelfile(MODEL, anew(modelfile_templates()))
    whole = {path: path.read_bytes() for path in kept(cache)}
    assert whole
    for length in range(0, 100, 4):
        for path, content in whole.items():
            path.write_bytes(content[:length])
        assert modelfile(MODEL, anew(modelfile_templates())) == text


@pytest.mark.parametrize("damage", [b"nonsense", bc_magic + b"nonsense", bc_magic + pickle.dumps("another", 2) + b"x"])
def test_what_was_kept_and_is_damaged_is_made_again(cache: Path, damage: bytes) -> None:
    text = modelfile(MODEL, anew(modelfile_templates()))
    assert kept(cache)
    for path in kept(cache):
        path.write_bytes(damage)
    assert modelfile(MODEL, anew(modelfile_templates())) == text


def test_a_template_that_changed_is_not_what_was_kept() -> None:
    found = modelfile_templates()
    before = environment(Templates({"a": "one"}, found.kept)).get_template("a").render()
    after = environment(Templates({"a": "two"}, found.kept)).get_template("a").render()
    assert (before, after) == ("one", "two")


def test_where_nothing_can_be_kept_only_time_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    text = modelfile(MODEL, anew(modelfile_templates()))
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    found = modelfile_templates()
    assert found.kept is None
    assert modelfile(MODEL, anew(found)) == text


def test_a_folder_without_templates_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(stack_templates()) == {path.name for path in (assets.root() / "compose").glob("*.j2")}
    monkeypatch.setenv("SWARMCTL_ASSETS", str(tmp_path))
    with pytest.raises(HostError, match="no templates under"):
        stack_templates()
