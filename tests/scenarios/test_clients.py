"""Other programs talk to a swarm's models by what `swarmctl env` prints: OpenAI's client and Aider, unchanged."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.person import SWARM, Person

pytestmark = pytest.mark.scenario(seconds=60)

CLIENT = """
import openai, os
answer = openai.OpenAI(max_retries=0).chat.completions.create(
    model=os.environ["OPENAI_MODEL"], messages=[{"role": "user", "content": "What is a compiler?"}], max_tokens=8)
print(answer.usage.completion_tokens, len(answer.choices[0].message.content))
"""


def typed(person: Person, script: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """What a shell makes of a script in which `swarmctl` is ours."""
    shell = f'swarmctl() {{ "{sys.executable}" -m swarmctl "$@"; }}\n{script}'
    return subprocess.run(["sh", "-c", shell], cwd=cwd, env=person.env, capture_output=True, text=True, check=False)


def aider() -> str | None:
    """Where Aider is: on the path, or in an environment of its own in the cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    own = cache / "swarmctl" / "aider" / "bin" / "aider"
    return shutil.which("aider") or (str(own) if own.exists() else None)


def test_clients_of_openai_talk_to_every_role_by_what_env_prints(person: Person) -> None:
    person.types("up", "--swarm", SWARM)
    found = person.reads("env", "--swarm", SWARM)
    assert found["schema"] == "swarmctl/env/v1"
    roles = [one["role"] for one in found["roles"]]
    assert len(roles) == 7
    for role in (roles[0], roles[-1]):
        said = typed(
            person,
            f"eval \"$(swarmctl env {role} --swarm {SWARM})\" && exec {sys.executable} -c '{CLIENT}'",
            person.home,
        )
        assert said.returncode == 0, said.stderr
        assert said.stdout.split()[0] == "8"
        assert "hold the engines' key" in said.stderr, "said where the shell does not take it for a line"
        assert found["api_key"] not in said.stderr

    wrong = typed(
        person,
        f"eval \"$(swarmctl env --swarm {SWARM})\" && OPENAI_API_KEY=x exec {sys.executable} -c '{CLIENT}'",
        person.home,
    )
    assert "401" in wrong.stderr, "the key is needed"
    _aider(person)


def _aider(person: Person) -> None:
    program = aider()
    if program is None:
        pytest.skip("no Aider here: python3 -m venv ~/.cache/swarmctl/aider and pip install aider-chat there")
    folder = person.home / "aiders"
    folder.mkdir()
    quiet = (
        "--no-git --yes-always --no-show-model-warnings --no-check-update --analytics-disable --no-pretty --no-stream"
        " --map-tokens 0 --chat-mode ask"
    )
    said = typed(
        person,
        f'eval "$(swarmctl env backend --swarm {SWARM})" && exec {program} {quiet} --message "What is a compiler?"',
        folder,
    )
    assert said.returncode == 0, said.stderr
    assert "received" in said.stdout, said.stdout + said.stderr
