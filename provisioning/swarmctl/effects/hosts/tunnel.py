"""The tunnel to a host, kept by a supervisor of ours: it outlives the command line and comes back by itself."""

import os
from contextlib import suppress
from pathlib import Path

from swarmctl.core.hosts import Host
from swarmctl.core.program import ProgramStatus
from swarmctl.core.tunnel import (
    Ends,
    TunnelState,
    Wanted,
    command,
    local_ports,
    problems,
    program,
    read_ends,
    service,
)
from swarmctl.effects import files
from swarmctl.effects.clock import Clock, SystemClock, wait_until
from swarmctl.effects.hosts import sshsaid
from swarmctl.effects.hosts.hostkeys import is_pinned
from swarmctl.effects.hosts.keeper import Keeper
from swarmctl.effects.hosts.shortplaces import socket_place
from swarmctl.effects.hosts.ssh import Line, environment
from swarmctl.effects.hosts.sshsaid import Trouble, last_words, trouble
from swarmctl.effects.hosts.talk import Late, talk
from swarmctl.effects.loopback import free
from swarmctl.errors import HostError, LeakError, SpecError

_ANSWER = 3.0
"""Seconds in which the machine at the other end runs a command that does nothing, or the tunnel is not connected."""
_FINAL = frozenset({"changed", "denied", "forward", "settings", "unpinned"})
"""Troubles that another try does not mend."""


class Tunnel:
    """One slot's tunnel. state: the swarm's own folder; all its tunnels share one supervisor below it.

    Its ends here are loopback ports and sockets that only this user may open.
    """

    def __init__(self, swarm: str, slot: str, host: Host, state: Path, clock: Clock | None = None) -> None:
        """Changes nothing. Raises SpecError for a slot that is no name."""
        try:
            self.name = service(slot)
        except ValueError as e:
            raise SpecError(str(e)) from None
        self.swarm, self.slot, self.host = swarm, slot, host
        self._clock = clock or SystemClock()
        self._kept = Keeper(swarm, state, self._clock)
        self._folder, self._runtime = self._kept.folder, self._kept.runtime
        self._control = socket_place(self._folder, f"{slot}.ctl")
        self._docker = socket_place(self._folder, f"{slot}.docker")
        self._ends, self._seen = self._folder / f"{slot}.json", self._folder / f"{slot}.seen"

    @property
    def engine(self) -> str:
        """Path of the socket here at which the Docker there is asked while the tunnel stands."""
        return str(self._docker)

    @property
    def ends(self) -> Ends:
        """Where its ends here are, or were when it was last up."""
        return read_ends(files.read_json(self._ends))

    def up(self, wanted: Wanted) -> Ends:
        """Hold these ways open from now on; gives their ends here. The same again changes nothing where it is
        connected, and where it waits for its next try, it tries now.

        Does not wait for the connection (`wait` does), but pins the host's key where that was not done: then the
        machine must answer. Raises SpecError for what cannot be forwarded, HostError, and DeployError when there is
        no supervisor.
        """
        if wrong := problems(wanted):
            raise SpecError(f"{self.slot}: {'; '.join(wrong)}")
        self._pin()
        with self._kept.alone():
            ends = self._choose(wanted)
            argv = command(self.host, wanted, ends, str(self._control))
            mine = program(self.swarm, self.slot, self._runtime.home, argv, _surroundings())
            files.write_json(self._ends, ends.as_json())
            self._kept.keep(mine)
            if (found := self._status()) and found.state == "backoff":
                self._runtime.restart(self.name)
        return ends

    def state(self) -> TunnelState:
        """Whether a command that does nothing runs at the other end just now, through the tunnel itself."""
        found = self._status()
        if found is None:
            return TunnelState("down", self._last_seen(), self._runtime.reason)
        if found.pid is not None and found.state == "running" and self._answers():
            self._seen.touch(mode=0o600)
            with suppress(OSError):
                return TunnelState("connected", self._control.stat().st_mtime, "", found.restarts)
        said = self._tail()
        gone = self._trouble(said)
        words = sshsaid.sentence(self.host, gone) if gone else last_words(said) or found.last_exit
        return TunnelState("reconnecting", self._last_seen(), words, found.restarts)

    def wait(self, seconds: float = 60) -> TunnelState:
        """Wait until it is connected. Raises HostError when it is not in time, and at once where waiting is no use."""

        try:
            wait_until(self._settled, clock=self._clock, deadline=seconds, every=0.1, what=f"the tunnel to {self.slot}")
        except HostError as e:
            if not e.message.startswith("waited"):
                raise
            said = self._tail()
            why = sshsaid.error(self.host, self._trouble(said) or Trouble("silent", last_words(said)))
            raise HostError(f"{e.message}: {why.message}", detail=why.detail, hint=why.hint) from None
        return self.state()

    def _settled(self) -> bool:
        """It is connected. Raises HostError where it will not be."""
        found = self.state()
        if found.state == "down":
            raise HostError(f"{self.slot}: its tunnel is not kept", detail=found.words, hint="swarmctl up")
        if found.state == "reconnecting":
            gone = self._trouble(self._said(self._status()))
            if gone and gone.kind in _FINAL:
                raise sshsaid.error(self.host, gone)
        return found.state == "connected"

    def down(self) -> None:
        """End it: no process and no socket of it is left, here; nothing is asked of the host.

        Raises LeakError when a process of it cannot be ended.
        """
        with self._kept.alone():
            if left := self._kept.leave(self.name, f"the tunnel to {self.slot} to end"):
                pids = ", ".join(str(one.pid) for one in left)
                raise LeakError(f"{self.slot}: its tunnel still runs (pid {pids})", hint=f"kill -9 {pids}")
            for path in (self._control, self._docker, self._ends, self._seen):
                path.unlink(missing_ok=True)

    def _pin(self) -> None:
        if self.host.known_hosts and not is_pinned(self.host):
            with Line(self.host, self._folder) as line:
                line.run(["true"], seconds=30)

    def _holds(self) -> set[int]:
        """Ports that its process listens on, though nobody answers at the other end."""
        found = self._status()
        if found is None or found.pid is None:
            return set()
        import psutil  # noqa: PLC0415 - 25 ms, and rarely needed

        try:
            rows = psutil.Process(found.pid).net_connections(kind="tcp")
        except psutil.Error:
            return set()
        return {row.laddr.port for row in rows if row.status == psutil.CONN_LISTEN and row.laddr}

    def _choose(self, wanted: Wanted) -> Ends:
        """A port that we hold ourselves is free to us; one that somebody took while we were away is not."""
        before = self.ends
        mine = set(before.ports.values()) if self._answers() else self._holds()
        theirs = {port for file in self._folder.glob("*.json") if file not in {self._ends, self._runtime.config_file}
                  for port in read_ends(files.read_json(file)).ports.values()}  # fmt: skip
        try:
            ports = local_ports(
                f"{self.swarm}/{self.slot}",
                wanted.ports,
                before.ports,
                lambda port: port in mine or (port not in theirs and free(port)),
            )
        except ValueError as e:
            raise HostError(f"{self.slot}: {e}") from None
        return Ends(str(self._docker) if wanted.docker else "", ports)

    def _status(self) -> ProgramStatus | None:
        return self._kept.status(self.name)

    def _answers(self) -> bool:
        """Never by another connection: ProxyCommand ends one that would be made without the control socket."""
        if not self._control.exists():
            return False
        words = ("-F", "none", "-T", "-o", f"ControlPath={self._control}", "-o", "ProxyCommand=false")
        with suppress(Late, HostError):
            return talk(["ssh", *words, "tunnel", "true"], env=environment(), seconds=_ANSWER).code == 0
        return False

    def _tail(self) -> str:
        """OpenSSH's last line, of this run or an earlier one; that a port there is closed is no matter of the tunnel's.

        One line alone: what stands before it may be another run's.
        """
        lines = self._runtime.tail(self.name, 20).splitlines()
        return next((line for line in reversed(lines) if not line.startswith("channel ")), "")

    def _said(self, found: ProgramStatus | None) -> str:
        """What its present run said, or the one that just ended."""
        if found is None or (found.pid is None and found.state != "backoff"):
            return ""
        with suppress(OSError):
            if found.started and self._runtime.log_path(self.name).stat().st_mtime < found.started:
                return ""
        return self._tail()

    def _trouble(self, said: str) -> Trouble | None:
        gone = trouble(said)
        return Trouble("changed", gone.words) if gone and gone.kind == "unpinned" and self.host.known_hosts else gone

    def _last_seen(self) -> float | None:
        with suppress(OSError):
            return self._seen.stat().st_mtime
        return None


def tunnels(state: Path) -> list[str]:
    """Slots whose tunnels are kept, in order. state: the swarm's own folder."""
    folder = state / "tunnels"
    raw = files.read_json(folder / "supervisor.json")
    names = [one.get("name", "") for one in raw.get("programs", ())] if isinstance(raw, dict) else []
    return sorted(name.removeprefix("tunnel-") for name in names if str(name).startswith("tunnel-"))


def _surroundings() -> dict[str, str]:
    """What the supervisor's own environment may have otherwise: it began in another terminal, on another day."""
    agent = os.environ.get("SSH_AUTH_SOCK")
    found = {"LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"}
    return found | ({"SSH_AUTH_SOCK": agent} if agent else {})
