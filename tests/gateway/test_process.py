"""The gateway's process: it starts, says in one line why it does not, and ends when told."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import requests

from fakes.agents import until
from fakes.gateways import settings
from fakes.openai_server import KEY as ENGINE_KEY
from fakes.openai_server import ScriptedEngine, Turn
from swarmctl.core.sharing.gatewayfile import GatewayFile

MODELS = [{"name": "backend", "adapter": 0, "slots": [0]}]


def start(folder: Path, text: str) -> "subprocess.Popen[str]":
    (folder / "gateway.json").write_text(text)
    argv = [sys.executable, "-m", "swarmctl.gateway", str(folder / "gateway.json")]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answers(told: GatewayFile) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{told.port}/health", timeout=5).status_code in {200, 503}
    except requests.ConnectionError:
        return False


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    said = process.communicate(timeout=20)
    return process.returncode, said[1]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_answers_until_it_is_told_to_end(number: signal.Signals, tmp_path: Path) -> None:
    with ScriptedEngine(Turn("hello")) as engine:
        told = settings(tmp_path, engine.url[:-3], ENGINE_KEY, MODELS, ["a.gguf"])
        process = start(tmp_path, told.model_dump_json())
        until(lambda: answers(told), 20)
        assert psutil.Process(process.pid).memory_info().rss < 100 << 20
        process.send_signal(number)
        code, said = ended(process)
    assert code == 0
    assert ENGINE_KEY not in said


@pytest.mark.slow
def test_what_hinders_the_start_is_one_line(tmp_path: Path) -> None:
    told = settings(tmp_path, "http://127.0.0.1:9", ENGINE_KEY, MODELS, ["a.gguf"])
    good = told.model_dump_json()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", told.port))
        taken.listen()
        cases = [("{", "cannot start"), (good.replace('"slots":[0]', '"slots":[7]'), "slot 7 of 1"), (good, "address")]
        for text, words in cases:
            code, said = ended(start(tmp_path, text))
            assert (code, words in said) == (1, True), said
    (tmp_path / "engine.key").chmod(0o644)
    code, said = ended(start(tmp_path, good))
    assert (code, "can be read by others" in said, ENGINE_KEY in said) == (1, True, False)
    done = subprocess.run([sys.executable, "-m", "swarmctl.gateway"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
