"""The examples in the help of commands, to be typed."""

import re
import shlex

RENTING = ("offers", "orphans", "reap", "extend")
"""Commands that ask a market."""
FETCHING = ("convert",)
"""Commands that ask a hub of models."""


def examples() -> dict[str, list[str]]:
    """Command → the arguments of the example in its help."""
    from swarmctl.cli import app

    calls = [command.callback for command in app.registered_commands]
    found = {call.__name__: re.findall(r"Example: swarmctl (.*)", call.__doc__ or "") for call in calls if call}
    return {name: shlex.split(lines[0]) for name, lines in found.items()}
