"""Flags in, one command called, exit code out; the only place that exits."""

from swarmctl.cli import haste  # isort: skip

import os
import signal
import sys
from typing import Any, NoReturn

import typer

from swarmctl.cli.shared import app, last_console
from swarmctl.errors import Cancelled, SwarmctlError

# Imported in the order in which --help lists their commands.
from swarmctl.cli import planning, up, swarms, sealing, work, clients, converting, renting, machine  # isort: skip

__all__ = [
    "app", "clients", "converting", "haste", "machine", "main", "planning", "renting", "sealing", "swarms", "up",
    "work",
]  # fmt: skip

_USAGE: Any = typer.BadParameter.__mro__[2]
"""What click calls ClickException; typer brings a click of its own and does not export it."""


def main() -> NoReturn:
    """Run the command line; every way out is here."""
    signal.signal(signal.SIGINT, _first_ctrl_c)
    try:
        code = app(standalone_mode=False)
    except _USAGE as e:
        e.show()
        code = e.exit_code
    except (KeyboardInterrupt, typer.Abort):
        code = _tell(Cancelled("cancelled", detail="what was begun has been cleaned up", hint="swarmctl status"))
    except SwarmctlError as e:
        code = _tell(e)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as e:  # noqa: BLE001 - the last door: a bug is said, kept and reported
        code = _tell(_bug(e))
    sys.exit(code or 0)


def _tell(error: SwarmctlError) -> int:
    last_console().letter(error)
    return error.exit_code


def _bug(error: Exception) -> SwarmctlError:
    import traceback

    from swarmctl.effects import files, paths

    file = paths.state() / "last-crash.txt"
    files.write(file, "".join(traceback.format_exception(error)))
    return SwarmctlError(
        f"a bug of ours: {type(error).__name__}: {error}",
        detail=f"the traceback is in {file}",
        hint="report it with that file",
    )


def _first_ctrl_c(_signal: int, _frame: object) -> None:
    """The first Ctrl-C cancels and cleans up, the second leaves at once."""
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    raise KeyboardInterrupt
