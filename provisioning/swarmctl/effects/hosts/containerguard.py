"""The guard on a rented machine without a service manager: started by hand at once, later kept by our supervisor."""

import shlex
from dataclasses import dataclass

from swarmctl.assets import root
from swarmctl.core.labels import HASH, HOME, SERVICE, SWARM, VARIABLE, home_of, inherited
from swarmctl.core.leasing.promise import Armed
from swarmctl.core.program import Program, SupervisorConfig
from swarmctl.core.stack import config_hash
from swarmctl.effects.clock import Clock
from swarmctl.effects.hosts.guarding import FILE, PROGRAM, watching
from swarmctl.effects.hosts.ssh import Line
from swarmctl.errors import HostError

NAME = "guard"
"""Of the supervisor, its swarm and its program."""
ONSTART = "/usr/local/lib/swarmctl/onstart"
MARKET = "/etc/swarmctl/market"
HOOK = f"""\
#!/bin/sh
umask 077
mkdir -p {MARKET.rpartition("/")[0]}
printf %s "$VAST_URL" > {MARKET}
[ ! -x {ONSTART} ] || exec {ONSTART}
"""
"""What a rental runs whenever it starts; it is given with the order, before there is anything to start.

A market to practise on tells its rentals where it is by a variable, of which a session by SSH has nothing.
"""
_REST = "/usr/local/lib/swarmctl/rest"
_LOG = "/var/log/swarmctl-guard.log"
_SECONDS, _MIGHTY = 60.0, 3
_START = f"""\
for one in /proc/[0-9]*; do
  if tr '\\0' ' ' < "$one/cmdline" 2>/dev/null | grep -q '^[^ ]*python[^ ]* {PROGRAM} watch'; then exit 0; fi
done
env "$1" setsid {PROGRAM} watch >> {_LOG} 2>&1 < /dev/null &
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """The guard of a machine as our supervisor there keeps it, and what marks use of engines for it.

    base: folder of what we bring there. python: that runs swarmctl there, "" where it is not there yet.
    """

    base: str
    python: str = ""

    @property
    def folder(self) -> str:
        """The supervisor's own."""
        return f"{self.base}/{NAME}"

    def program(self) -> Program:
        """How it is started, here as there."""
        made = config_hash({"argv": [PROGRAM, "watch"]})
        labels = {SWARM: NAME, SERVICE: NAME, HOME: home_of(self.folder), HASH: made}
        return Program(NAME, "exec", (PROGRAM, "watch"), labels, made)

    def uses(self) -> Program:
        """Marks use of engines."""
        argv = (self.python, "-P", "-m", "swarmctl.effects.hand.uses", self.base)
        made = config_hash({"argv": argv})
        labels = {SWARM: NAME, SERVICE: "uses", HOME: home_of(self.folder), HASH: made}
        return Program("uses", "exec", argv, labels, made)

    def config(self) -> SupervisorConfig:
        """What the supervisor is told."""
        socket, logs = f"{self.folder}/keeper.sock", f"{self.folder}/logs"
        return SupervisorConfig(NAME, socket, logs, (self.program(), self.uses()), home=home_of(self.folder))


def guard(line: Line, armed: Armed, clock: Clock, base: str) -> None:
    """It watches from now on.

    Raises HostError where the key may do more than it should, and where the guard does not take them up.
    """
    program = (root() / "playbooks" / "roles" / "guard" / "files" / "guard").read_bytes()
    line.put({PROGRAM: program}, mode=0o755, root=True)
    settings = armed.settings
    line.put({FILE: settings.text().encode(), settings.key_file: armed.key.encode()}, folders=0o700, root=True)
    if line.run([PROGRAM, "check"], seconds=_SECONDS, root=True).code == _MIGHTY:
        raise HostError(
            "the key for this machine's guard can read the account, so it may end more than this machine",
            hint="the market gives one with each rental; is VAST_API_KEY's own key used instead?",
        )
    line.run([PROGRAM, "arm", str(int(clock.now().timestamp()))], seconds=_SECONDS, root=True, check=True)
    mark = f"{VARIABLE}={inherited(Kept(base).program())}"
    line.run(["sh", "-c", _START, "sh", mark], seconds=_SECONDS, root=True, check=True)
    if watching(line).armed != settings.armed:
        raise HostError("the guard on the machine did not take up its settings", hint="swarmctl up")


def attend(line: Line, python: str, base: str) -> None:
    """Whenever the machine starts, its guard and its swarms do; and the guard has something that ends all work."""
    hand = shlex.join([python, "-P", "-m", "swarmctl.effects.hand", base])
    mark = shlex.quote(f"{VARIABLE}={inherited(Kept(base).program())}")
    line.put(
        {
            ONSTART: f'#!/bin/sh\nset -- {mark}\n(\n{_START})\nexec {hand} <<\'E\'\n{{"do": "revive"}}\nE\n'.encode(),
            _REST: f'#!/bin/sh\nexec {hand} <<\'E\'\n{{"do": "rest"}}\nE\n'.encode(),
        },
        mode=0o755,
        root=True,
    )
