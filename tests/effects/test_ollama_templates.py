"""Each family's chat format as the real server renders it, of both generations."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import requests

from fakes.agents import free_port
from fakes.ollama_server import NEW, OLD, Server, named, recipe, serving
from fakes.smollm import smollm
from fakes.tools import need
from swarmctl.core.chatfamily import FAMILIES
from swarmctl.core.chatformat import FORMATS as RENDERED
from swarmctl.core.chatformat import TALK
from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.effects.engines.ollama import Ollama

pytestmark = [pytest.mark.ground, pytest.mark.slow]
ORACLES = {
    "chatml": "chatml", "phi4": "phi4", "llama3": "llama3", "gemma": "gemma", "deepseek2": "deepseek2",
    "deepseek3": "deepseek3", "granite": "granite", "glm4": "chatglm4", "mistral": "mistral-v3",
    "mistral7": "mistral-v7-tekken", "phi3": "phi3",
}  # fmt: skip
"""Families that llama.cpp knows by a name of its own; it writes Llama 2 in other spaces than its makers."""


@pytest.fixture(scope="module", params=[NEW, OLD])
def up(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    folder = tmp_path_factory.mktemp("templates")
    file = named(folder, "one")["one"]
    with serving(folder, request.param, OLLAMA_NO_CLOUD="1", LLAMA_ARG_CACHE_RAM="0") as server:
        yield server, file


def test_all_families_are_here() -> None:
    assert RENDERED.keys() == {known.name for known in FAMILIES}


@pytest.mark.parametrize("family", RENDERED)
def test_a_conversation(up: tuple[Server, Path], family: str) -> None:
    assert render(up, family, TALK) == RENDERED[family]


@pytest.mark.parametrize("family", ORACLES)
def test_llama_cpp_writes_the_same(family: str, tmp_path: Path) -> None:
    port = free_port()
    words = [
        *need("llama-server", smollm().parent), "-m", str(smollm()), "--port", str(port), "-c", "64", "-np", "1",
        "--no-jinja", "--chat-template", ORACLES[family], "--no-warmup", "--fit", "off",
    ]  # fmt: skip
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(words, stdout=log, stderr=log) as server:
        try:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: _well(url), clock=SystemClock(), deadline=60, what="llama-server")
            got = requests.post(f"{url}/apply-template", json={"messages": TALK}, timeout=10).json()
        finally:
            server.kill()
    assert got["prompt"].replace("\n", "") == RENDERED[family].replace("\n", "")


def _well(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=5).ok
    except requests.ConnectionError:
        return False


def test_tools_and_their_answers(up: tuple[Server, Path]) -> None:
    function = {"name": "look", "description": "Looks.", "parameters": {"type": "object", "properties": {}}}
    call = {"function": {"name": "look", "arguments": {"at": "x"}}}
    talk = [
        {"role": "user", "content": "GO"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "content": "SEEN"},
    ]
    text = render(up, "chatml", talk, tools=[{"type": "function", "function": function}])
    assert '<tools>\n{"type": "function", "function": {"name":"look",' in text
    assert '<tool_call>\n{"name": "look", "arguments": {"at":"x"}}\n</tool_call><|im_end|>\n' in text
    assert text.endswith("<|im_start|>user\n<tool_response>\nSEEN\n</tool_response><|im_end|>\n<|im_start|>assistant\n")


def render(up: tuple[Server, Path], family: str, talk: Sequence[Mapping[str, object]], **more: object) -> str:
    server, file = up
    with Ollama(server.url) as client:
        client.put(family, recipe(family, file, family=family), file)
    body = {"model": family, "messages": talk, "stream": False, "_debug_render_only": True} | more
    got = requests.post(f"{server.url}/api/chat", json=body, timeout=120).json()
    text: str = got["_debug_info"]["rendered_template"]
    return text
