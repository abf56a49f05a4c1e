"""The command line: exit codes, streams, JSON, and no colour where nobody looks."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest


def types(tmp_path: Path, *args: str, **env: str) -> subprocess.CompletedProcess[str]:
    place = {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_DATA_HOME": str(tmp_path / "data")}
    argv = [sys.executable, "-m", "swarmctl", *args]
    return subprocess.run(
        argv, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, **place, **env}, check=False, timeout=60
    )


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("version",), 0, ""),
        (("--nonsense",), 2, "No such option"),
        (("plan", "--context", "many"), 2, "valid integer"),
        (("models", "wipe"), 2, "is none of show"),
        (("completion", "ksh"), 2, "none of bash, zsh, fish"),
        (("run",), 3, "no swarm is up"),
        (("plan",), 3, "there is no swarm.yml in this folder"),
        (("plan", "-f", "nowhere.yml"), 3, "there is no file nowhere.yml"),
        (("plan", "-f", "."), 3, "is a folder"),
        (("plan", "--swarm", "nobody"), 3, "there are: demo"),
        (("plan", "--swarm", "demo", "-f", "x.yml"), 3, "both name a swarm file"),
        (("plan", "--swarm", "demo", "--set", "engine"), 3, "path=value"),
        (("plan", "--swarm", "demo", "--set", "engine.kv=q9"), 3, "is not one of"),
        (("status",), 3, "no swarm is up"),
        (("check", "--swarm", "demo"), 3, "is not up"),
        (("logs", "backend", "--swarm", "demo"), 3, "is not up"),
        (("run", "--show", "none"), 3, "is no run"),
        (("plan", "--swarm", "demo", "--context", "900000"), 4, ""),
    ],
)
@pytest.mark.slow
def test_every_refusal_has_its_exit_code_and_no_traceback(
    tmp_path: Path, args: tuple[str, ...], code: int, words: str
) -> None:
    done = types(tmp_path, *args)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    if code in {3, 4} and words:
        assert done.stdout == ""
        assert done.stderr.startswith("error: ")


@pytest.mark.slow
def test_an_error_is_json_where_json_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "swarm.yml").write_text("name: X\n")
    done = types(tmp_path, "plan", "--json")
    told = json.loads(done.stdout)
    assert (told["schema"], told["error"], told["exit_code"]) == ("swarmctl/error/v1", "SpecError", 3)
    assert "swarm.yml:1:7: name" in told["detail"]


@pytest.mark.slow
@pytest.mark.parametrize("command", ["plan", "models", "history", "doctor", "schema"])
def test_json_has_a_versioned_shape(tmp_path: Path, command: str) -> None:
    args = (command, "--swarm", "demo", "--json") if command == "plan" else (command, "--json")
    done = types(tmp_path, *(args[:1] if command == "schema" else args))
    value = json.loads(done.stdout)
    assert value.get("schema", value.get("$id", "")).startswith("swarmctl/")


@pytest.mark.slow
def test_init_writes_a_file_that_an_editor_and_plan_can_read(tmp_path: Path) -> None:
    folder = tmp_path / "My Project"
    folder.mkdir()
    done = types(folder, "init", "--test", "pytest -q")
    assert done.returncode == 0, done.stderr
    text = (folder / "swarm.yml").read_text()
    assert text.startswith("# yaml-language-server: $schema=.swarmctl/swarm.schema.json\n")
    assert "name: my-project" in text
    schema = json.loads((folder / ".swarmctl" / "swarm.schema.json").read_text())
    assert schema["properties"]["roles"]
    assert types(folder, "plan").returncode == 0
    again = types(folder, "init")
    assert (again.returncode, "--force" in again.stderr) == (3, True)


def _on_a_terminal(tmp_path: Path, *args: str, **env: str) -> str:
    """What a command writes to a terminal."""
    leader, follower = pty.openpty()
    argv = [sys.executable, "-m", "swarmctl", *args]
    place = {"XDG_STATE_HOME": str(tmp_path / "s"), "TERM": "xterm"}
    clean = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
    with subprocess.Popen(
        argv, stdout=follower, stderr=follower, stdin=follower, env={**clean, **place, **env}
    ) as process:
        os.close(follower)
        text = b""
        while True:
            try:
                chunk = os.read(leader, 4096)
            except OSError:
                break
            if not chunk:
                break
            text += chunk
        process.wait(timeout=30)
    os.close(leader)
    return text.decode()


@pytest.mark.slow
def test_colour_is_for_terminals_and_never_under_no_color(tmp_path: Path) -> None:
    assert "\x1b[" in _on_a_terminal(tmp_path, "plan", "--swarm", "demo")
    assert "\x1b[" not in _on_a_terminal(tmp_path, "plan", "--swarm", "demo", NO_COLOR="1")
    assert "\x1b[" not in types(tmp_path, "plan", "--swarm", "demo").stdout


@pytest.mark.slow
def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    shell = f"{sys.executable} -m swarmctl schema | head -n 1"
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True)
    assert done.stderr == ""


@pytest.mark.slow
def test_render_writes_settings_and_no_secret(tmp_path: Path) -> None:
    done = types(tmp_path, "render", "out", "--swarm", "demo")
    assert done.returncode == 0, done.stderr
    files = [Path(line) for line in done.stdout.split()]
    assert len(files) == 9
    assert {json.loads((tmp_path / f).read_text()) is not None for f in files} == {True}
    assert types(tmp_path, "render", "out", "--swarm", "demo").returncode == 3


def test_the_control_path_is_light() -> None:
    """`--help` loads neither pydantic nor requests nor psutil."""
    code = (
        "import sys, swarmctl.cli; print([m for m in ('pydantic', 'requests', 'psutil', 'yaml') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
