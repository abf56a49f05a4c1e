"""A process that is fed and heard at once."""

import _thread
import os
import signal
import sys
import threading
from pathlib import Path
from typing import IO

import psutil
import pytest

from swarmctl.effects.hosts.talk import Late, talk
from swarmctl.errors import HostError


def python(script: str, seconds: float = 10, **more: object) -> tuple[bytes, bytes, int]:
    done = talk([sys.executable, "-c", script], env=dict(os.environ), seconds=seconds, **more)  # type: ignore[arg-type]
    return done.out, done.err, done.code


def test_both_outputs_and_the_code() -> None:
    script = "import sys; sys.stdout.write('a'); sys.stderr.write('b'); sys.exit(7)"
    assert python(script) == (b"a", b"b", 7)


def test_what_is_fed_may_be_more_than_a_pipe_holds_and_come_back_meanwhile() -> None:
    data = os.urandom(3_000_000)
    echo = "import sys, shutil; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)"
    assert python(echo, feed=lambda pipe: pipe.write(data)) == (data, b"", 0)


def test_who_reads_nothing_is_no_failure_of_ours() -> None:
    assert python("", feed=lambda pipe: pipe.write(b"x" * 3_000_000))[2] == 0


def test_a_file_that_cannot_be_read_is_said_and_the_process_ended(tmp_path: Path) -> None:
    def feed(pipe: IO[bytes]) -> None:
        pipe.write(b"half")
        (tmp_path / "not there").read_bytes()

    with pytest.raises(FileNotFoundError):
        python("import time; time.sleep(60)", feed=feed)


def test_what_takes_too_long_is_ended() -> None:
    with pytest.raises(Late, match=r"did not end within 0\.3 s"):
        python("import time; time.sleep(60)", 0.3)


def test_who_says_too_much_is_stopped() -> None:
    with pytest.raises(Late, match="said more than 100 KiB"):
        python("while True: print('x' * 1000)", most=100 * 1024)


def test_a_process_left_behind_with_the_pipes_is_not_waited_for() -> None:
    script = "import subprocess; subprocess.Popen(['sleep', '5']); print('done')"
    assert python(script, 3)[0] == b"done\n"


def test_ctrl_c_ends_it_too() -> None:
    script = "import time; time.sleep(61.5)"
    timer = threading.Timer(0.3, _thread.interrupt_main)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where tests run in the background
    timer.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            python(script)
    finally:
        timer.join()
        signal.signal(signal.SIGINT, before)
    assert not [one for one in psutil.process_iter(["cmdline"]) if script in (one.info["cmdline"] or [])]


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(HostError, match="cannot be started"):
        talk(["/no/such/program"], env={}, seconds=1)
