"""Roles hold to their own word: every variable is described, every default fits, every file that is named is there."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from fakes.playing import PLAYBOOKS, ansible, needs_ansible

ROLES = sorted(path for path in (PLAYBOOKS / "roles").iterdir() if path.is_dir())
NAMES = [role.name for role in ROLES]
TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,), "path": (str,), "int": (int,), "bool": (bool,), "list": (list,), "dict": (dict,),
}  # fmt: skip


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def described(role: Path) -> dict[str, Any]:
    options: dict[str, Any] = read(role / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    return options


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_every_variable_is_described_and_every_description_has_one(role: Path) -> None:
    options, defaults = described(role), read(role / "defaults" / "main.yml")
    required = {name for name, one in options.items() if one.get("required")}
    own = {name for name, one in options.items() if "default" in one}
    assert set(defaults) | own >= set(options)
    assert set(options) >= set(defaults)
    for name, value in defaults.items():
        fits = TYPES[options[name]["type"]]
        assert isinstance(value, fits), f"{name} is {value!r}"
        assert not (isinstance(value, bool) and options[name]["type"] == "int"), name
        assert name.startswith(f"{role.name}_")
    assert required <= set(defaults)


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_every_module_has_its_full_name_and_is_part_of_ansible_itself(role: Path) -> None:
    known = {
        "name",
        "when",
        "register",
        "vars",
        "tags",
        "loop",
        "notify",
        "block",
        "always",
        "until",
        "retries",
        "delay",
    }
    known |= {"changed_when", "failed_when", "check_mode", "no_log", "diff", "delegate_to", "become", "args"}
    known |= {"loop_control"}
    for path in [*role.glob("tasks/*.yml"), *role.glob("handlers/*.yml")]:
        for task in flat(read(path)):
            modules = set(task) - known
            assert task["name"][0].isupper(), path
            assert "block" in task or len(modules) == 1, f"{path}: {task['name']}: {modules}"
            assert all(re.fullmatch(r"ansible\.builtin\.[a-z0-9_]+", one) for one in modules), f"{path}: {modules}"


def flat(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for task in tasks:
        found.append(task)
        found += [one for part in ("block", "always", "rescue") for one in flat(task.get(part, []))]
    return found


@pytest.mark.parametrize("role", ROLES, ids=NAMES)
def test_every_file_of_a_role_is_used_and_every_one_used_is_there(role: Path) -> None:
    texts = "\n".join(path.read_text() for path in role.rglob("*") if path.is_file())
    for folder in ("files", "templates"):
        for path in (role / folder).glob("*"):
            assert path.name in texts, f"nobody uses {path}"
    for name in re.findall(r"include_tasks: (\S+)", texts):
        assert (role / "tasks" / name).is_file(), name
    for name in re.findall(r"lookup\('ansible.builtin.template', '([^']+)'", texts):
        assert (role / "templates" / name).is_file(), name


def test_the_look_is_shell_that_any_debian_reads() -> None:
    for script in (PLAYBOOKS / "roles/preflight/files/look.sh", PLAYBOOKS / "roles/removal/files/clear.sh"):
        done = subprocess.run(["sh", "-n", str(script)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_every_system_that_is_promised_has_its_names() -> None:
    systems = read(PLAYBOOKS / "roles/preflight/defaults/main.yml")["preflight_systems"]
    for system, versions in systems.items():
        for version in versions:
            names = read(PLAYBOOKS / "roles/docker/vars" / f"{system}-{version}.yml")
            assert set(names) == {"docker_packages", "docker_compose_suite"}, (system, version)


@pytest.mark.slow
@pytest.mark.parametrize("book", ["prepare", "deploy", "teardown"])
def test_ansible_reads_every_playbook(book: str) -> None:
    needs_ansible()
    words = ["-i", "inventory/hosts.example.yml", "--syntax-check", f"playbooks/{book}.yml"]
    done = ansible("ansible-playbook", *words)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_ansible_lint_has_nothing_to_say_at_its_strictest(tmp_path: Path) -> None:
    needs_ansible()
    pytest.importorskip("ansiblelint", reason="no ansible-lint beside this Python")
    done = ansible("ansible-lint", "--offline", "--nocolor", "--profile", "production", "playbooks")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Passed: 0 failure(s), 0 warning(s)" in done.stdout + done.stderr
