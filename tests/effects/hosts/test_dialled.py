"""A Docker that is asked over a line: whole answers, none that are withdrawn, and what goes wrong."""

import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fakes.depots import Near
from swarmctl.effects.hosts.dialled import dialled
from swarmctl.effects.hosts.remoteshell import RemoteShell
from swarmctl.effects.process import Completed
from swarmctl.errors import Cancelled, HostError

_ENGINE = """
import select, sys, time
head = sys.stdin.buffer.readline().decode()
while sys.stdin.buffer.readline().strip():
    pass
closed = select.select([sys.stdin], [], [], 0.3)[0]
if closed:
    sys.stdout.write("HTTP/1.1 500 Oops\\r\\nContent-Length: 31\\r\\n\\r\\n" + '{"message":"context canceled"}\\n')
elif "chunked" in head:
    sys.stdout.write("HTTP/1.1 200 OK\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n")
    for part in ('[1, ', '2]'):
        sys.stdout.write("%x\\r\\n%s\\r\\n" % (len(part), part)); sys.stdout.flush(); time.sleep(0.2)
    sys.stdout.write("0\\r\\n\\r\\n")
elif "missing" in head:
    sys.stdout.write("HTTP/1.1 404 No\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
else:
    said = '"' + head.split()[1] + '"'
    sys.stdout.write("HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(said), said))
sys.stdout.flush()
sys.stdin.buffer.read()
"""


class Line(Near):
    """A machine whose Docker is a program of a few lines."""

    host = SimpleNamespace(name="gpu1")

    def __init__(self, program: str = _ENGINE) -> None:
        super().__init__()
        self.program = program

    def converse(self, argv: Sequence[str], **more: Any) -> Completed:
        return super().converse([sys.executable, "-c", self.program], **more)


def test_the_answer_is_waited_for_with_our_side_open() -> None:
    ask = dialled(Line())  # type: ignore[arg-type]
    assert ask("/version") == "/version"
    assert ask("/chunked") == [1, 2]
    assert ask("/images", filters={"a": ["b"]}) == "/images?filters=%7B%22a%22%3A+%5B%22b%22%5D%7D"


@pytest.mark.parametrize("program", ["", "print('rubbish')", "print('HTTP/1.1 200 OK\\r\\n\\r\\nnot JSON')"])
def test_what_is_no_answer_is_an_error(program: str) -> None:
    with pytest.raises(HostError, match="gpu1: its Docker does not answer"):
        dialled(Line(f"import sys\n{program}\nsys.exit(1)"))("/version")  # type: ignore[arg-type]


def test_a_refusal_is_told() -> None:
    with pytest.raises(HostError, match="answers 404"):
        dialled(Line())("/missing")  # type: ignore[arg-type]


def test_what_is_followed_is_told_line_by_line_and_broken_off(tmp_path: Path) -> None:
    told: list[str] = []
    stop = False

    def pulse() -> None:
        if stop:
            raise Cancelled("not wanted")

    class Here(Near):
        def converse(self, argv: Sequence[str], **more: Any) -> Completed:
            return super().converse(list(argv), **more)

    shell = RemoteShell(Here(), "", pulse)  # type: ignore[arg-type]
    source = tmp_path / "source"
    source.write_text("one\ntwo\n")
    done = shell.follow(["sh", "-c", "cat; echo three >&2; exit 3"], told.append, seconds=20, source=source)
    assert (told, done.code, done.stdout) == (["one", "two", "three"], 3, "one\ntwo\nthree")

    def tell(text: str) -> None:
        nonlocal stop
        stop = text == "begun"

    with pytest.raises(Cancelled):
        shell.follow(["sh", "-c", "echo begun; sleep 60"], tell, seconds=30)
