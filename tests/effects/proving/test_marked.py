"""A real stack under the eyes of the guard: proofs of every depth leave no mark of use, a question does."""

from pathlib import Path

import pytest
import requests

from fakes.ejecting import build_agent
from fakes.grounded import stands
from fakes.guarding import GUARD
from fakes.proving import provable
from ground.places import OLLAMA, tiny
from swarmctl.core.ollama.order import Wish

pytestmark = [pytest.mark.ground, pytest.mark.slow]
SPEC = """
name: marked
engine: {{kind: ollama, context: 512, parallel: 1, kv: q8_0, version: {version}}}
models:
  lead: {{path: {lead}}}
  docs: {{path: {docs}}}
roles:
  orchestrator: {{model: lead, temperature: 0}}
  docs: {{model: docs, temperature: 0}}
limits: {{output: 48, requests: 6, time: 3m}}
"""


def test_checks_leave_no_mark_and_a_question_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stands("engine", "models", "bookworm", "ollama")
    build_agent()
    names = {"lead": tiny("orchestrator"), "docs": tiny("docs")}
    spec = SPEC.format(version=OLLAMA.rpartition(":")[2], **names)
    with provable(tmp_path, spec, monkeypatch, **names) as up:
        guard, marks = GUARD.Machine(up.swarm.folder), ["data/*"]
        with up.engine() as client:
            for service in up.record.services:
                if service.kind == "model":
                    client.load(Wish(service.subject, 1, service.settings["keep_alive"]))
        for depth in ("look", "check", "whole"):
            assert len(up.prove(depth)) > 5
        assert guard.mark(marks) == "", "nothing was at work but we"
        body = {"model": "docs", "prompt": "x", "stream": False, "options": {"num_predict": 1}}
        answer = requests.post(f"{up.record.url('ollama-cpu')}/api/generate", json=body, timeout=120)
        assert answer.status_code == 200
        assert guard.mark(marks) != ""
        (mark,) = up.swarm.folder.glob("data/*/activity")
        assert mark.parent.name == "forwarder-cpu"
        assert not guard.unfetched(marks)
