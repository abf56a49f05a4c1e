"""Documentation is compiled: what the program says of itself is what the pages say."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from swarmctl import errors
from swarmctl.core.specfile import load

ROOT = Path(__file__).resolve().parents[1]
WRITE = os.environ.get("SWARMCTL_GOLDEN") == "write"
COMMANDS = (
    "init", "plan", "profiles", "up", "down", "status", "agents", "check", "seal", "run", "chat", "logs", "doctor",
    "cost", "offers", "hosts", "orphans", "reap", "extend", "convert", "render", "env", "rollback", "models",
    "history", "schema", "version", "completion",
)  # fmt: skip


def compare(page: str, text: str) -> None:
    """The page holds this text; SWARMCTL_GOLDEN=write (make golden) writes it."""
    file = ROOT / "docs" / page
    if WRITE:
        file.write_text(text, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == text, f"docs/{page} is stale: make golden"


def help_of(*command: str) -> str:
    env = {**os.environ, "COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"}
    argv = [sys.executable, "-m", "swarmctl", *command, "--help"]
    text = subprocess.run(argv, capture_output=True, text=True, check=True, env=env).stdout
    return text.replace("python -m swarmctl", "swarmctl").strip()


@pytest.mark.slow
def test_the_page_of_commands() -> None:
    parts = ["# Commands", "Generated from `--help` by `make golden`; compared in tests.", f"```\n{help_of()}\n```"]
    parts += [f"## swarmctl {name}\n\n```\n{help_of(name)}\n```" for name in COMMANDS]
    compare("commands.md", "\n\n".join(parts) + "\n")


def test_every_command_is_on_the_page() -> None:
    from swarmctl.cli import app

    assert {c.name or c.callback.__name__ for c in app.registered_commands} == set(COMMANDS)


def test_the_page_of_errors() -> None:
    tree = [errors.SwarmctlError, *errors.SwarmctlError.__subclasses__()]
    rows = [
        f"| {e.exit_code} | `{e.__name__}` | {(e.__doc__ or '').strip()} |"
        for e in sorted(tree, key=lambda e: e.exit_code)
    ]
    rows += [
        "| 0 | | Done. |",
        "| 2 | | A flag or argument is wrong. |",
        "| 11 | | `plan --exit-code`: `up` would change something. |",
    ]
    rows.sort(key=lambda row: int(row.split("|")[1]))
    head = "# Errors\n\nGenerated from `errors.py` by `make golden`. "
    head += "Every error says what happened, the evidence, and what to type next.\n"
    compare("errors.md", f"{head}\n| exit code | error | when |\n| --- | --- | --- |\n" + "\n".join(rows) + "\n")


def test_exit_codes_are_distinct_and_in_the_drawn_tree() -> None:
    tree = errors.SwarmctlError.__subclasses__()
    codes = [e.exit_code for e in tree]
    assert len(set(codes)) == len(codes)
    for error in tree:
        assert re.search(rf"{error.__name__} \.+ +{error.exit_code}\b", errors.__doc__ or ""), error


def test_the_page_of_the_swarm_file() -> None:
    """docs/swarm.schema.json is what `swarmctl schema` prints."""
    from swarmctl.commands.init import json_schema

    compare("swarm.schema.json", json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")


PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_yaml_on_a_page_is_a_swarm_file(page: Path) -> None:
    for block in re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        if "roles:" in block:
            load(block.encode(), source=page.name)
        else:
            yaml.safe_load(block)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_make_targets_on_the_pages_are_there() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        used = set(re.findall(r"`make ([a-z]+)", page.read_text(encoding="utf-8")))
        assert used <= targets, page


SHOWN = re.compile(r"(\$ swarmctl plan --swarm seven --gpu 4090\n)(.*?)(\n…\n)", re.DOTALL)


@pytest.mark.slow
def test_the_plan_on_the_first_page_is_what_is_printed() -> None:
    argv = [sys.executable, "-m", "swarmctl", "plan", "--swarm", "seven", "--gpu", "4090"]
    env = {**os.environ, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    out = subprocess.run(argv, capture_output=True, encoding="utf-8", check=True, env=env).stdout
    wanted = out[: out.index("\n  models by")]
    page = ROOT / "README.md"
    if WRITE:
        text = page.read_text(encoding="utf-8")
        page.write_text(SHOWN.sub(lambda m: m[1] + wanted + m[3], text), encoding="utf-8")
    found = SHOWN.search(page.read_text(encoding="utf-8"))
    assert found is not None
    assert found[2] == wanted, "README.md is stale: make golden"
