"""`swarmctl env` for a swarm on Ollama: the real server, and the real clients of OpenAI and of Ollama."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.grounded import ollama, stands
from ground.places import OLLAMA, tiny

CLIENTS = """
import ollama, openai, os
told = [{"role": "user", "content": "What is a compiler?"}]
model = os.environ["OPENAI_MODEL"]
answer = openai.OpenAI(max_retries=0).chat.completions.create(model=model, messages=told, max_tokens=8)
assert answer.usage.completion_tokens == 8, answer
answer = ollama.chat(model=model, messages=told, options={"num_predict": 8})
assert answer.eval_count == 8, answer
print("both", ollama.ps().models[0].model)
"""


def service(name: str, kind: str, needs: list[str], port: int, **settings: object) -> dict[str, object]:
    subject = name.partition("-")[2]
    return {"name": name, "kind": kind, "subject": subject, "settings": settings, "needs": needs, "port": port}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A state folder with a swarm whose engine listens on port 9."""
    remember(tmp_path, 9)
    return tmp_path


def remember(home: Path, port: int) -> None:
    places = home / "state" / "swarmctl" / "swarms" / "mine"
    (places / "secrets").mkdir(parents=True, exist_ok=True)
    (places / "secrets" / "engine.key").write_text("the-key")
    services = [
        service("ollama-cpu", "engine", [], port, engine="ollama"),
        service("model-docs", "model", ["ollama-cpu"], 0),
        service("agent-orchestrator", "agent", ["ollama-cpu"], 21002, model="docs"),
        service("agent-docs", "agent", ["ollama-cpu"], 21003, model="docs"),
    ]
    record = {"swarm": "mine", "slot": "slot-0", "runtime": "compose", "services": services, "floor": 0.5, "test": None}
    (places / "swarm.json").write_text(json.dumps(record))


def types(home: Path, *args: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "XDG_STATE_HOME": str(home / "state"), "XDG_DATA_HOME": str(home / "data")}
    argv = [sys.executable, "-m", "swarmctl", *args]
    done = subprocess.run(argv, cwd=home, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == expect, done.stdout + done.stderr
    return done


@pytest.mark.slow
def test_stdout_is_for_the_shell_and_stderr_for_the_person(home: Path) -> None:
    said = types(home, "env", "--swarm", "mine")
    assert all(line.startswith("export ") for line in said.stdout.splitlines())
    assert "export OLLAMA_HOST=http://127.0.0.1:9" in said.stdout
    assert "export SWARMCTL_DOCS_MODEL=docs" in said.stdout
    assert "the-key" not in said.stderr
    shape = json.loads(types(home, "env", "docs", "--json").stdout)
    assert (shape["schema"], shape["api_key"]) == ("swarmctl/env/v1", "the-key")
    assert [one["role"] for one in shape["roles"]] == ["docs"]
    assert shape["roles"][0]["openai_base_url"] == "http://127.0.0.1:9/v1"


@pytest.mark.slow
def test_what_is_not_there_is_said(home: Path) -> None:
    assert "orchestrator, docs" in types(home, "env", "nobody", expect=3).stderr
    assert "not up" in types(home, "env", "--swarm", "other", expect=3).stderr
    key = home / "state" / "swarmctl" / "swarms" / "mine" / "secrets" / "engine.key"
    key.unlink()
    assert "is gone" in types(home, "env", expect=6).stderr
    assert not key.exists(), "a new key would open nothing"


@pytest.fixture
def server() -> Iterator[str]:
    stands("engine", "models", "ollama")
    with ollama(OLLAMA) as running:
        running.create("docs", tiny("docs"))
        yield running.url


@pytest.mark.ground
@pytest.mark.slow
def test_the_clients_of_openai_and_of_ollama_are_served_by_what_it_prints(home: Path, server: str) -> None:
    remember(home, int(server.rpartition(":")[2]))
    lines = types(home, "env", "docs").stdout
    script = f"{lines}\nexec {sys.executable} -c '{CLIENTS}'"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False, cwd=home)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["both", "docs:latest"]
