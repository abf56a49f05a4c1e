"""A command runs to its end, or is ended with everything that it started."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from fakes.agents import soon
from fakes.alive import children
from swarmctl.agent.process import run

FAMILY = "import subprocess,sys,time; subprocess.Popen(['sleep','300']); print('up', flush=True); time.sleep(300)"


def test_input_output_errors_and_code() -> None:
    script = "import sys; d=sys.stdin.read(); print(d[::-1]); sys.stderr.write('e'); sys.exit(3)"
    done = asyncio.run(run([sys.executable, "-c", script], input=b"abc"))
    assert done == (3, b"cba\n", b"e")


def test_the_environment_is_the_one_given(tmp_path: Path) -> None:
    done = asyncio.run(run(["/usr/bin/env"], env={"ONLY": "this"}, cwd=tmp_path))
    assert done.stdout == b"ONLY=this\n"


def test_more_than_a_pipe_holds_both_ways() -> None:
    data = os.urandom(3_000_000)
    assert asyncio.run(run(["cat"], input=data)).stdout == data
    assert asyncio.run(run(["true"], input=data)).code == 0


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        asyncio.run(run(["/no/such/program"]))


def test_a_timeout_ends_the_whole_group() -> None:
    async def story() -> None:
        with pytest.raises(TimeoutError, match=r"stopped after 0\.5 s"):
            await run([sys.executable, "-c", FAMILY], timeout=0.5)
        await soon(lambda: not children())

    asyncio.run(story())


def test_a_cancelled_caller_ends_the_whole_group() -> None:
    async def story() -> None:
        running = asyncio.create_task(run([sys.executable, "-c", FAMILY]))
        await soon(lambda: len(children()) >= 2)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        await soon(lambda: not children())

    asyncio.run(story())
