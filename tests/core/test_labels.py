"""Whose a process is, by its words."""

import pytest

from swarmctl.core.labels import VARIABLE, carried, inherited, title, words
from swarmctl.core.program import Program

LABELS = {"swarmctl.swarm": "demo", "swarmctl.service": "agent-x", "swarmctl.config-hash": "0123456789ab"}
WORDS = words(LABELS)
LINE = " ".join(WORDS)


@pytest.mark.parametrize(
    "command",
    [
        ("python", "-m", "swarmctl.embedded", "/x/settings.json", *WORDS),
        ("/usr/bin/python3", "-P", "-u", "-m", "swarmctl.supervisor", "c.json", *WORDS),
        ("agent-x", *WORDS),
        (f"agent-x {LINE}",),
        (f"agent-x {LINE}", "", "", ""),  # a title, and the room it does not fill
    ],
)
def test_ours(command: tuple[str, ...]) -> None:
    found = carried(command, {})
    assert found is not None
    assert (found.labels, found.helper, found.by_title) == (LABELS, False, True)


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("",),
        ("grep", "-r", "swarmctl.swarm=demo"),
        ("grep", LINE),
        ("pgrep", "-f", f"agent-x {LINE}"),
        ("vim", *WORDS),
        ("sh", "-c", f"python -m swarmctl.embedded s.json {LINE}"),
        ("python", "notes.py", "-m", "swarmctl.embedded", *WORDS),
        ("python", "-m", "pytest", *WORDS),
        ("python", "-m", "swarmctl.embedded", *WORDS, "more"),
        ("python", "-m", "swarmctl.embedded", "swarmctl.swarm=demo"),  # no service
        ("agent-y", *WORDS),  # a title begins with its own service
    ],
)
def test_not_ours(command: tuple[str, ...]) -> None:
    assert carried(command, {}) is None


def test_the_environment_speaks_where_the_command_line_does_not() -> None:
    found = carried(("/usr/bin/llama-server", "-m", "x.gguf"), {VARIABLE: LINE})
    assert found is not None
    assert (found.labels, found.helper, found.by_title) == (LABELS, False, False)
    assert carried(("/usr/bin/llama-server",), {VARIABLE: "swarmctl.swarm=demo"}) is None


def test_a_command_line_outranks_an_inherited_environment() -> None:
    found = carried(("agent-x", *WORDS), {VARIABLE: LINE.replace("demo", "other")})
    assert found is not None
    assert found.labels["swarmctl.swarm"] == "demo"


@pytest.mark.parametrize(
    ("program", "helper"),
    [
        (Program("agent-x", "fork", (), LABELS, "h", entry="a:b"), True),
        (
            Program("agent-x", "exec", ("python", "-m", "swarmctl.embedded"), LABELS, "h", label_argv=True),
            True,
        ),
        (Program("agent-x", "exec", ("llama-server",), LABELS, "h", label_argv=True), False),
        (Program("agent-x", "exec", ("llama-server",), LABELS, "h"), False),
    ],
)
def test_children_of_a_program_that_shows_its_labels_are_only_helpers(program: Program, helper: bool) -> None:
    found = carried(("git", "http-backend"), {VARIABLE: inherited(program)})
    assert found is not None
    assert (found.labels, found.helper) == (LABELS, helper)


def test_a_title_is_read_back() -> None:
    found = carried((title(Program("agent-x", "fork", (), LABELS, "h", entry="a:b")),), {})
    assert found is not None
    assert found.labels == LABELS
