"""Starting a program by forking the supervisor, which has loaded its code once for all of them."""

import gc
import importlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import psutil
from setproctitle import setproctitle

from swarmctl.core.labels import VARIABLE, inherited, title
from swarmctl.core.program import Program
from swarmctl.supervisor.spawn import StartError, open_log

Entry = Callable[..., int | None]
_OURS = (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)


def load(entry: str) -> Entry:
    """The function that `package.module:function` names, imported if need be.

    Objects made by the import are frozen, so that the children's garbage collectors leave their pages
    shared. Raises StartError: no such thing, it does not import, or it left a thread running (a fork
    would copy its locks and not the thread).
    """
    module, _, name = entry.partition(":")
    if module not in sys.modules:
        try:
            importlib.import_module(module)
        except Exception as e:
            sys.stderr.write(traceback.format_exc())
            raise StartError(f"{module} cannot be imported: {type(e).__name__}: {e}") from e
        gc.collect()
        gc.freeze()
    if psutil.Process().num_threads() != 1:
        names = ", ".join(t.name for t in threading.enumerate() if t is not threading.main_thread())
        raise StartError(f"a thread is left running by an import ({names or 'not of Python'}): no safe fork")
    function: Entry | None = getattr(sys.modules[module], name, None)
    if not callable(function):
        raise StartError(f"{module} has no function {name}")
    return function


def start(program: Program, log: Path, close: Callable[[], None]) -> int:
    """Fork; gives the child's pid. `close` lets go, in the child, of what the supervisor holds open.

    Raises StartError.
    """
    entry = load(program.entry)
    open_log(log).close()
    sys.stdout.flush()
    sys.stderr.flush()
    # No signal may reach the child while it still has the parent's handlers and its wake-up socket.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                code = _child(program, log, close, entry)
            finally:  # whatever happens, the child must not go on as a second supervisor
                os._exit(code)
        return pid
    except OSError as e:
        raise StartError(str(e)) from e
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _child(program: Program, log: Path, close: Callable[[], None], entry: Entry) -> int:
    """Become the program; gives its exit code. Nothing leaves this function but that."""
    try:
        setproctitle(title(program))
        os.setsid()
        _signals()
        close()
        _stdio(log)
        os.environ.update({**(program.env or {}), VARIABLE: inherited(program)})
        os.chdir(program.cwd)
        return _exit_code(entry(*program.argv))
    except SystemExit as e:
        return _exit_code(e.code)
    except BaseException:  # noqa: BLE001 - whatever it was, it goes to the log and the process ends
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in _OURS:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _stdio(log: Path) -> None:
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    with open_log(log) as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]


def _exit_code(code: object) -> int:
    """What sys.exit means by its argument: nothing is 0, a number is itself, a text is printed and 1."""
    if code is None or isinstance(code, int):
        return (code or 0) & 0xFF
    sys.stderr.write(f"{code}\n")
    return 1
