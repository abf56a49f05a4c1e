"""Runs conversions as orders come: one process that has read torch, transformers and gguf forks for each of them.

Orders are JSON lines on stdin, `{"id", "do": "script" | "tool" | "module", …}`; JSON lines answer on stdout, each with
the order's id: what its process said, and how it ended. When stdin ends, everything ends.
"""

import json
import os
import runpy
import selectors
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NoReturn

_PRELOADED = ("numpy", "safetensors", "torch", "transformers", "gguf")
_TOOLS = frozenset({"llama-quantize", "llama-imatrix", "llama-perplexity"})
_PROGRAM = "swarmctl.converter."
_CHUNK = 1 << 16
_LONGEST = 1 << 22
"""Bytes of one line that a child may say."""


@dataclass
class _Child:
    """One order at work: its process, the pipe that it speaks into, and what of a line has come."""

    order: str
    pid: int
    pipe: int
    begun: float
    rest: bytes = b""
    last: list[str] = field(default_factory=list)


class Server:
    """The loop: one reader of orders and of what children say."""

    def __init__(self) -> None:
        self._waiting = selectors.DefaultSelector()
        self._children: dict[int, _Child] = {}
        self._orders = b""
        self._kills = _kills()

    def serve(self) -> None:
        """Until stdin ends; children are killed then."""
        self._waiting.register(0, selectors.EVENT_READ)
        try:
            while self._turn():
                pass
        finally:
            for child in self._children.values():
                _kill(child.pid)
                os.waitpid(child.pid, 0)

    def _turn(self) -> bool:
        for key, _ in self._waiting.select():
            if key.fd == 0:
                if not self._hear():
                    return False
            else:
                self._listen(self._children[key.fd])
        return True

    def _hear(self) -> bool:
        got = os.read(0, _CHUNK)
        *lines, self._orders = (self._orders + got).split(b"\n")
        for line in lines:
            if line.strip():
                self._order(json.loads(line))
        return bool(got)

    def _order(self, order: dict[str, Any]) -> None:
        if order["do"] == "stop":
            for child in self._children.values():
                if child.order == order["id"]:
                    _kill(child.pid)
            return
        try:
            work = _work(order)
        except ValueError as e:
            _tell({"id": order["id"], "ended": 2, "log": [str(e)], "seconds": 0.0, "peak": 0, "oom": False})
            return
        ours, theirs = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(ours)
            _become(theirs, order, work)
        _group(pid)
        os.close(theirs)
        self._children[ours] = _Child(order["id"], pid, ours, time.monotonic())
        self._waiting.register(ours, selectors.EVENT_READ)

    def _listen(self, child: _Child) -> None:
        got = os.read(child.pipe, _CHUNK)
        *lines, child.rest = (child.rest + got).replace(b"\r", b"\n").split(b"\n")
        child.rest = child.rest[-_LONGEST:]
        if not got and child.rest:
            lines.append(child.rest)
        for line in lines:
            self._say(child, line.decode("utf-8", "replace"))
        if not got:
            self._end(child)

    def _say(self, child: _Child, line: str) -> None:
        said = _value(line)
        if said is not None:
            _tell({"id": child.order, "said": said})
        elif line.strip():
            child.last = [*child.last[-39:], line[:500]]

    def _end(self, child: _Child) -> None:
        self._waiting.unregister(child.pipe)
        os.close(child.pipe)
        del self._children[child.pipe]
        _, status, used = os.wait4(child.pid, 0)
        _kill(child.pid)  # what the process left behind
        kills = _kills()
        code = os.waitstatus_to_exitcode(status)
        oom, self._kills = kills > self._kills and code != 0, kills
        _tell(
            {
                "id": child.order,
                "ended": code,
                "log": child.last,
                "seconds": round(time.monotonic() - child.begun, 3),
                "peak": used.ru_maxrss,
                "processor": round(used.ru_utime + used.ru_stime, 3),
                "oom": oom,
            }
        )


def _work(order: dict[str, Any]) -> Callable[[], None]:
    """What the child does. Raises ValueError for an order that is none of ours."""
    argv = [str(word) for word in order.get("argv", ())]
    kind = order["do"]
    if kind == "script" and argv:
        return lambda: _script(argv)
    if kind == "tool" and argv and os.path.basename(argv[0]) in _TOOLS:  # noqa: PTH119 - a name, no path
        return lambda: os.execvp(argv[0], argv)  # noqa: S606 - one of three programs, no shell
    if kind == "module" and str(order.get("module", "")).isidentifier():
        return lambda: _module(str(order["module"]), order.get("request"))
    raise ValueError(f"no such order: {kind} {argv[:1]}")


def _script(argv: list[str]) -> None:
    """A Python program's own main, in this process, which has read what it imports."""
    sys.argv = argv
    sys.path.insert(0, os.path.dirname(argv[0]))  # noqa: PTH120 - as python itself does
    runpy.run_path(argv[0], run_name="__main__")


def _module(name: str, request: Any) -> None:
    """One of our programs, with a request on its stdin."""
    ours, theirs = os.pipe()
    if os.fork() == 0:
        os.close(ours)
        with os.fdopen(theirs, "w", encoding="utf-8") as pipe:
            json.dump(request, pipe)
            pipe.write("\n")
        os._exit(0)
    os.close(theirs)
    os.dup2(ours, 0)
    os.close(ours)
    sys.argv = [_PROGRAM + name]
    runpy.run_module(_PROGRAM + name, run_name="__main__", alter_sys=True)


def _become(pipe: int, order: dict[str, Any], work: Callable[[], None]) -> NoReturn:
    """The child: a group of its own, both outputs into the pipe, its threads as ordered."""
    code = 1
    try:
        _group(0)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(pipe, 1)
        os.dup2(pipe, 2)
        os.closerange(3, 256)
        _threads(int(order.get("threads", 1)))
        if scratch := order.get("scratch"):
            os.makedirs(scratch, exist_ok=True)  # noqa: PTH103
            os.environ["TMPDIR"] = str(scratch)
        work()
        code = 0
    except SystemExit as e:
        code = e.code if isinstance(e.code, int) else 0 if e.code is None else 1
        if isinstance(e.code, str):
            sys.stderr.write(e.code + "\n")
    except BaseException:  # noqa: BLE001 - the child's last words
        import traceback  # noqa: PLC0415

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code & 0xFF)


def _threads(count: int) -> None:
    os.environ["OMP_NUM_THREADS"] = str(count)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(count)


def _value(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _group(pid: int) -> None:
    """A group of its own; the child and we both say so, whoever comes first."""
    try:
        os.setpgid(pid, pid)
    except OSError:
        return


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _kills() -> int:
    """How often the kernel has ended a process of this control group for its memory."""
    for name in ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control"):
        try:
            with open(name, encoding="ascii") as file:  # noqa: PTH123
                rows = dict(line.split()[:2] for line in file if len(line.split()) == 2)
        except OSError:
            continue
        return int(rows.get("oom_kill", 0))
    return 0


def _tell(value: dict[str, Any]) -> None:
    """The parent alone writes here."""
    os.write(1, json.dumps(value).encode() + b"\n")


def _preload() -> dict[str, str]:
    """Versions of what was read; what is not here is left out, and scripts then fail in their own words."""
    import importlib  # noqa: PLC0415

    found = {}
    for name in _PRELOADED:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        found[name] = str(getattr(module, "__version__", "unknown"))
    if "transformers" in found:
        importlib.import_module("transformers.models.auto.tokenization_auto")
    if "gguf" in found:
        from swarmctl.converter.packing import install  # noqa: PLC0415 - only where there is something to replace

        install()
    return found


def main() -> None:
    """Read everything first, say so, and serve."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # as the first process of a container it has no default
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    versions = _preload()
    _tell({"ready": versions, "processor": round(time.process_time(), 2)})
    Server().serve()


if __name__ == "__main__":
    main()
