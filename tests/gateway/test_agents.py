"""An agent works through the gateway as with an engine of its own: tools, counts, and the adapter of its name."""

import asyncio
from pathlib import Path

import pytest

from fakes import gateways
from fakes.agents import secret
from fakes.agents import settings as agent_settings
from fakes.openai_server import KEY as ENGINE_KEY
from fakes.openai_server import ScriptedEngine, Turn
from swarmctl.agent.allowance import Allowance
from swarmctl.agent.chat import chat
from swarmctl.agent.engine import Engine
from swarmctl.agent.ports import ModelFailed
from swarmctl.core.messages import ChatDone, ChatOrder

pytestmark = pytest.mark.slow
MODELS = [{"name": "backend", "adapter": 0, "slots": [0]}, {"name": "lead", "adapter": 1, "slots": [1]}]


def talk(folder: Path, at: gateways.Gateway, model: str) -> tuple[ChatDone, int]:
    async def one() -> tuple[ChatDone, int]:
        key = str(secret(folder / "mine.key", gateways.KEY))
        told = {"engine_key_file": key, "model": model, "tools": ("list_files", "read_file")}
        file = agent_settings(folder, f"{at.url}/v1", "orchestrator", **told)
        engine = Engine(file)
        try:
            count = await engine.count([("user", "hello " * 40)])
            order, allowance = ChatOrder(text="What is there?"), Allowance(file.requests, 30)
            return await chat(order, engine=engine, settings=file, allowance=allowance), count
        finally:
            await engine.aclose()

    return asyncio.run(one())


def test_a_chat_with_a_tool(tmp_path: Path) -> None:
    turns = Turn(calls=[("list_files", "{}")]), Turn("Nothing yet.")
    with ScriptedEngine(*turns) as engine:
        file = gateways.settings(tmp_path / "g", engine.url[:-3], ENGINE_KEY, MODELS, ["a.gguf", "b.gguf"])
        with gateways.gateway(file) as at:
            done, count = talk(tmp_path, at, "lead")
            assert done.text == "Nothing yet."
            assert count == 70
            assert [(sent["model"], sent["id_slot"]) for sent in engine.requests] == [("lead", 1)] * 2
            assert [one["scale"] for one in engine.requests[1]["lora"]] == [0.0, 1.0]
            assert engine.requests[1]["messages"][-1]["role"] == "tool"
            with pytest.raises(ModelFailed, match="does not serve the model 'nobody'"):
                talk(tmp_path, at, "nobody")
