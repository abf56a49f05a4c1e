"""What pushes results of a rented machine elsewhere, put there without Ansible: as the role `saving` has it."""

import json
from collections.abc import Mapping
from typing import Any

from swarmctl.assets import root
from swarmctl.effects.hosts.ssh import Line
from swarmctl.errors import DeployError

PROGRAM = "/usr/local/lib/swarmctl/save"
_FOLDER = "/etc/swarmctl"
_SECONDS = 120.0
_GONE = 'rm -f -- "$@"'


def keep_safe(line: Line, variables: Mapping[str, Any], base: str) -> None:
    """It is there and may push; where no remote is named, it goes if `saving_forget` says so.

    variables: of the role. base: of what we bring. Raises DeployError where it may not push, HostError.
    """
    remote = str(variables.get("saving_remote", ""))
    if not remote and not variables.get("saving_forget"):
        return
    if not remote:
        names = [PROGRAM, *(f"{_FOLDER}/save.{end}" for end in ("json", "key", "token", "known"))]
        line.run(["sh", "-c", _GONE, "sh", *names], seconds=_SECONDS, root=True, check=True)
        return
    key, token = str(variables["saving_key"]), str(variables["saving_token"])
    known = str(variables["saving_known_hosts"])
    told = {
        "remote": remote,
        "key_file": f"{_FOLDER}/save.key" if key else "/dev/null",
        "token_file": f"{_FOLDER}/save.token" if token else "",
        "user": variables["saving_user"],
        "known_hosts": f"{_FOLDER}/save.known",
        "marks": [f"{base}/swarms/*/data/*"],
    }
    files = {
        "save.key": f"{key.rstrip()}\n",
        "save.token": f"{token}\n",
        "save.known": f"{known}\n" if known else "",
        "save.json": json.dumps(told, sort_keys=True, indent=4) + "\n",
    }
    program = (root() / "playbooks" / "roles" / "saving" / "files" / "save").read_bytes()
    line.put({PROGRAM: program}, mode=0o755, root=True)
    line.put({f"{_FOLDER}/{name}": text.encode() for name, text in files.items()}, folders=0o700, root=True)
    done = line.run([PROGRAM, "check"], seconds=_SECONDS, root=True)
    if done.code:
        hint = "give a key or a token that may write to it, or leave target.vast.save out"
        raise DeployError(f"results cannot be pushed to {remote}", detail=done.stderr.strip()[-500:], hint=hint)
