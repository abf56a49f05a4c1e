"""What travels to a host: our own wheel, the same for the same code, and a lock that has all that it imports."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from swarmctl.effects.hosts.travelling import lock, own_wheel

ROOT = Path(__file__).resolve().parents[3]
UNPACK = ROOT / "provisioning" / "swarmctl" / "effects" / "hosts" / "unpack.py"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_wheel_is_of_this_code_and_the_same_each_time(tmp_path: Path) -> None:
    name, data = own_wheel()
    own_wheel.cache_clear()
    assert own_wheel() == (name, data)
    (tmp_path / name).write_bytes(data)
    with zipfile.ZipFile(tmp_path / name) as wheel:
        there = set(wheel.namelist())
        assert wheel.testzip() is None
        record = wheel.read(next(one for one in there if one.endswith("RECORD"))).decode()
    assert {"swarmctl/effects/hand/__main__.py", "swarmctl/_assets/inventory/prompts/backend.md"} <= there
    assert {row.rsplit(",", 2)[0] for row in record.splitlines()} == there
    assert not [one for one in there if "__pycache__" in one]


def test_what_was_unpacked_runs_without_the_checkout(tmp_path: Path) -> None:
    name, data = own_wheel()
    (tmp_path / name).write_bytes(data)
    site = tmp_path / "site"
    argv = [sys.executable, "-", "wheels", str(site), str(tmp_path / name)]
    subprocess.run(argv, input=UNPACK.read_bytes(), check=True)
    code = "import swarmctl, sys; from swarmctl.assets import root; print(swarmctl.__file__, root())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"import sys; sys.path.insert(0, {str(site)!r}); {code}"],
        capture_output=True, text=True, check=True, cwd=tmp_path, env={"PATH": "/usr/bin"},
    )  # fmt: skip
    assert done.stdout.split() == [str(site / "swarmctl" / "__init__.py"), str(site / "swarmctl" / "_assets")]


def test_only_what_is_imported_is_unpacked_and_nothing_beside_the_folder(tmp_path: Path) -> None:
    wheel = tmp_path / "x.whl"
    with zipfile.ZipFile(wheel, "w") as made:
        for name in ("a/b.py", "x.data/purelib/c.py", "x.data/scripts/tool", "../outside", "/absolute", "folder/"):
            made.writestr(name, "1")
    site = tmp_path / "deep" / "site"
    subprocess.run([sys.executable, "-", "wheels", str(site), str(wheel)], input=UNPACK.read_bytes(), check=True)
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert found == ["deep/site/a/b.py", "deep/site/c.py", "x.whl"]


def test_the_lock_has_every_package_that_is_asked_for_with_its_pin_and_hashes() -> None:
    text = lock().decode()
    pins = dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", text, re.MULTILINE))
    constraints = dict(one.split("==") for one in (ROOT / "constraints.txt").read_text().split())
    known = {_plain(name): version for name, version in constraints.items()}
    assert {name: known[name] for name in pins} == pins
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["agent"], *extras["embedded"]]
    assert {_plain(re.split(r"[^\w.-]", one, maxsplit=1)[0]) for one in wanted} <= set(pins)
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if "==" in entry]
    assert all("--hash=sha256:" in entry for entry in entries)
