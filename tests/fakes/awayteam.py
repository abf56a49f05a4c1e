"""A swarm of two real agents whose settings say that tests are run elsewhere, and a person who follows its runs."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fakes.agents import TOKEN, free_port, settings, until
from fakes.openai_server import ScriptedEngine, Turn
from fakes.person import Person
from swarmctl.core.agentfile import AgentFile, Peer
from swarmctl.core.places import Places
from swarmctl.core.record import ServiceRecord, SwarmRecord
from swarmctl.effects import files
from swarmctl.effects.git import token_config

NAME = "away"
ADD = "def add(a, b):\n    return a + b\n"
_PLAN = json.dumps({"steps": [{"role": "backend", "title": "write", "files": ["add.py"], "depends": [], "accept": ""}]})
_OK = json.dumps({"ok": True, "comment": "fine"})


@contextmanager
def away_team(folder: Path) -> Iterator[Person]:
    """The agents serve until the block ends; the person's state says that the swarm runs in containers."""
    ports = {"orchestrator": free_port(), "backend": free_port()}
    urls = {role: f"http://127.0.0.1:{port}" for role, port in ports.items()}
    lead = Peer(role="orchestrator", url=urls["orchestrator"])
    with ExitStack() as stack:
        scripts = {"orchestrator": (Turn(_PLAN), Turn(_OK)), "backend": (Turn(f"add.py\n```python\n{ADD}```\n"),)}
        for role, script in scripts.items():
            engine = stack.enter_context(ScriptedEngine(*script))
            peers = (Peer(role="backend", url=urls["backend"]),) if role == "orchestrator" else ()
            file = settings(
                folder / role, engine.url, role, port=ports[role], tests="elsewhere", orchestrator=lead, peers=peers
            )
            stack.enter_context(_serving(file, folder / role))
        yield _person(folder, ports)


@contextmanager
def _serving(file: AgentFile, folder: Path) -> Iterator[None]:
    path = folder / "agent.json"
    path.write_text(file.model_dump_json())
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", "swarmctl.agent.serve", path], stderr=log)
    try:
        until(lambda: _answers(file.port), 30)
        yield
    finally:
        process.terminate()
        process.wait(20)
    assert "Traceback" not in (folder / "log").read_text(), (folder / "log").read_text()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/.well-known/agent-card.json"):
            return True
    except OSError:
        return False


def _person(folder: Path, ports: dict[str, int]) -> Person:
    """Somebody on whose machine this swarm is up."""
    home = folder / "person"
    places = Places(NAME, home / "state" / "swarmctl" / "swarms" / NAME)
    services = tuple(
        ServiceRecord(name=f"agent-{role}", kind="agent", subject=role, settings={}, needs=(), port=port)
        for role, port in ports.items()
    )
    record = SwarmRecord(swarm=NAME, slot="slot-0", runtime="compose", services=services, floor=0.5, test=None)
    files.write_json(places.record, record.model_dump(mode="json"))
    files.write(places.agent_token, TOKEN)
    token_config(places.git_config, TOKEN)
    env = {**os.environ, "XDG_STATE_HOME": str(home / "state"), "XDG_DATA_HOME": str(home / "data"), "NO_COLOR": "1"}
    env.pop("SWARMCTL_TEST_IMAGE", None)
    return Person(home, env, home / "data")
