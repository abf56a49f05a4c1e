"""Writes what is installed away from here, with hashes, as constraints.txt pins it: in the agent image, and on hosts.

`python tests/lock.py` asks the package index for the wheels of x86-64 and ARM, and installs nothing.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "compose" / "agent" / "requirements.txt"
HOSTS = ROOT / "compose" / "process" / "requirements.txt"
MACHINES = ("x86_64", "aarch64")
CORE = ("pydantic>", "pyyaml")
"""Of what swarmctl itself needs, all that the agent's room imports."""
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
"""Of hosts; the image's is 3.11."""


def wanted() -> list[str]:
    """The requirements of the extra `agent`, and those of CORE."""
    project = _project()
    core = [line for line in project["dependencies"] if line.startswith(CORE)]
    return [*core, *project["optional-dependencies"]["agent"]]


def wanted_by_hosts() -> list[str]:
    """All that swarmctl needs, and its agents and its engine."""
    project = _project()
    return [*project["dependencies"], *(one for extra in ("agent", "embedded") for one in _extra(project, extra))]


def wheels(machine: str, python: str = "3.11", asked: list[str] | None = None) -> list[tuple[str, str, str]]:
    """Name, version and hash of every wheel on one kind of machine."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        argv = [
            sys.executable, "-m", "pip", "install", "-q", "--dry-run", "--ignore-installed", "--report", report,
            "--target", folder, "--python-version", python, "--only-binary", ":all:",
            "--platform", f"manylinux2014_{machine}", "--platform", f"manylinux_2_28_{machine}",
            "-c", ROOT / "constraints.txt", *(asked or wanted()),
        ]  # fmt: skip
        subprocess.run(argv, check=True)
        found = json.loads(report.read_text())["install"]
    return [
        (
            one["metadata"]["name"].lower().replace("_", "-"),
            one["metadata"]["version"],
            one["download_info"]["archive_info"]["hashes"]["sha256"],
        )
        for one in found
    ]


def main() -> None:
    """Write the locks."""
    _write(LOCK, "the agent image installs", [wheels(machine) for machine in MACHINES])
    HOSTS.parent.mkdir(exist_ok=True)
    kinds = [(machine, python) for machine in MACHINES for python in PYTHONS]
    _write(HOSTS, "hosts without Docker install", [wheels(*kind, wanted_by_hosts()) for kind in kinds])


def _write(lock: Path, what: str, found: list[list[tuple[str, str, str]]]) -> None:
    hashes: dict[tuple[str, str], list[str]] = {}
    for name, version, digest in (one for kind in found for one in kind):
        known = hashes.setdefault((name, version), [])
        known += [digest] if digest not in known else []
    lines = [f"# What {what}, on x86-64 and ARM; tests/lock.py writes it from constraints.txt."]
    for (name, version), known in sorted(hashes.items()):
        lines.append(" \\\n    ".join([f"{name}=={version}", *(f"--hash=sha256:{digest}" for digest in known)]))
    lock.write_text("\n".join(lines) + "\n")


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def _extra(project: dict[str, Any], name: str) -> list[str]:
    return project["optional-dependencies"][name]


if __name__ == "__main__":
    main()
