"""One command for each part: told apart as they go, each with its own end, and all ended as one."""

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from swarmctl.effects.parts.children import side_by_side
from swarmctl.errors import HostError

PYTHON = (sys.executable, "-c")
GOOD = "import sys; print('{\"passed\": true}'); print('one', file=sys.stderr); print('two', file=sys.stderr)"
BAD = "import sys; print('no json'); sys.exit(7)"
TIDY = """
import signal, sys, time
count = []
signal.signal(signal.SIGINT, lambda *_: count.append(1))
print("ready", file=sys.stderr, flush=True)
while not count:
    time.sleep(0.02)
time.sleep(0.3)
print(f"cleaned up after {len(count)}", file=sys.stderr)
sys.exit(130)
"""


def test_each_tells_under_its_own_name_and_ends_with_its_own_answer() -> None:
    said: list[tuple[str, str]] = []
    found = side_by_side({"a": [GOOD], "b": [BAD]}, lambda slot, line: said.append((slot, line)), PYTHON)
    assert said == [("a", "one"), ("a", "two")]
    assert (found["a"].code, found["a"].answer) == (0, {"passed": True})
    assert (found["b"].code, found["b"].answer) == (7, None)


def test_they_run_at_the_same_time(tmp_path: Path) -> None:
    """None of them ends before all have begun."""
    wait = (
        "import os, pathlib, sys, time; here = pathlib.Path(sys.argv[1]); (here / str(os.getpid())).touch(); "
        "end = time.monotonic() + 30\n"
        "while len(list(here.iterdir())) < 3: time.sleep(0.02); time.monotonic() < end or sys.exit(1)"
    )
    found = side_by_side({name: [wait, str(tmp_path)] for name in "abc"}, lambda *_: None, PYTHON)
    assert [one.code for one in found.values()] == [0, 0, 0]


def test_ctrl_c_is_told_to_all_of_them_once_and_waited_for() -> None:
    said: list[tuple[str, str]] = []
    ready = threading.Event()

    def tell(slot: str, line: str) -> None:
        said.append((slot, line))
        if sum(text == "ready" for _, text in said) == 2:
            ready.set()

    def interrupt() -> None:
        ready.wait(10)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        side_by_side({"a": [TIDY], "b": [TIDY]}, tell, PYTHON)
    assert sorted(slot for slot, text in said if text == "cleaned up after 1") == ["a", "b"]


def test_what_cannot_be_started_ends_what_was() -> None:
    with pytest.raises(HostError, match="cannot be started"):
        side_by_side({"a": []}, lambda *_: None, ("/nonexistent/swarmctl",))
