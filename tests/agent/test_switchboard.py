"""The switchboard holds a line to each relay, says how each stands, and begins again what ended."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from fakes.alive import children
from swarmctl.agent.relay import Relay
from swarmctl.agent.switchboard import Switchboard, main

HOLD = (
    "import asyncio, pathlib, sys; from swarmctl.agent.relay import pump; asyncio.run(pump(pathlib.Path(sys.argv[1])))"
)


async def _agent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"backend heard " + await reader.read(100))
    writer.write_eof()
    writer.close()


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not holds():
            await asyncio.sleep(0.05)


async def _free() -> int:
    server = await asyncio.start_server(_agent, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    return port


async def _ask(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello")
    writer.write_eof()
    try:
        return await asyncio.wait_for(reader.read(-1), 10)
    except ConnectionError:
        return b"broken"
    finally:
        writer.close()


def _story(folder: Path, tell: Callable[[Switchboard, int, Path], Awaitable[None]]) -> None:
    async def story() -> None:
        stop, agent = asyncio.Event(), await asyncio.start_server(_agent, "127.0.0.1", 0)
        relay, state = await _free(), folder / "state"
        serving = asyncio.create_task(Relay({relay: "backend"}, "127.0.0.1", folder / "s").serve(stop))
        await _until((folder / "s").exists)
        lines = {
            "desk": {"argv": [sys.executable, "-c", HOLD, str(folder / "s")], "env": None},
            "gone": {"argv": [sys.executable, "-c", "import sys; sys.exit('no such container')"], "env": None},
        }
        board = Switchboard({"ports": {"backend": agent.sockets[0].getsockname()[1]}, "lines": lines}, state)
        running = asyncio.create_task(board.run(stop))
        try:
            await _until(lambda: board.told["desk"] == "")
            await tell(board, relay, state)
        finally:
            stop.set()
            await asyncio.gather(serving, running)
            agent.close()
        assert not [one for one in children() if HOLD in one.words]

    asyncio.run(story())


def test_a_call_on_one_host_reaches_an_agent_of_another(tmp_path: Path) -> None:
    async def told(board: Switchboard, relay: int, state: Path) -> None:
        assert await _ask(relay) == b"backend heard hello"
        await _until(lambda: "no such container" in board.told["gone"])
        assert json.loads(state.read_text()) == board.told
        assert state.stat().st_mode & 0o777 == 0o600

    _story(tmp_path, told)


def test_a_line_that_ends_is_begun_again(tmp_path: Path) -> None:
    async def told(board: Switchboard, relay: int, _state: Path) -> None:
        (one,) = [one for one in children() if HOLD in one.words]
        os.kill(one.pid, signal.SIGKILL)
        await _until(lambda: board.told["desk"] != "")
        await _until(lambda: board.told["desk"] == "")
        assert await _ask(relay) == b"backend heard hello"

    _story(tmp_path, told)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"ports": 3, "lines": {}}', "\x00"])
def test_a_file_that_is_none_is_said_and_no_traceback(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.json").write_text(text)
    assert main([str(tmp_path / "x.json")]) == 1
    assert main([str(tmp_path / "nothing.json")]) == 1
    assert main([]) == 1
    assert capsys.readouterr().err.count("this switchboard cannot start") == 3
