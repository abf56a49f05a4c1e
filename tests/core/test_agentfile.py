"""An agent's settings file: what its service decides, and what its place adds."""

from swarmctl.core.agentfile import AgentFile, Peer

SETTINGS = {
    "role": "docs", "model": "coder", "context": 8192, "output": 1024, "requests": 5, "time": 60,
    "temperature": 0.1, "slots": 2, "tools": ["read_file"], "prompt": "a hash", "peers": [],
}  # fmt: skip
WHERE = {
    "swarm": "s", "port": 1, "token_file": "/t", "data": "/d", "prompt": "You are docs.", "engine_url": "http://e/v1",
    "engine_key_file": "/k", "orchestrator": Peer(role="orchestrator", url="http://o"),
}  # fmt: skip


def test_every_setting_and_every_place_arrives() -> None:
    file = AgentFile.of(SETTINGS, **WHERE)
    taken = file.model_dump()
    assert {key: taken[key] for key in SETTINGS if key not in {"prompt", "tools", "peers"}} == {
        key: value for key, value in SETTINGS.items() if key not in {"prompt", "tools", "peers"}
    }
    assert file.tools == ("read_file",)
    assert file.prompt == "You are docs.", "the text, not the hash that the settings keep"
