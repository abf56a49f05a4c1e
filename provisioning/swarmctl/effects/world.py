"""Everything outside, in one value; built once, by the command line."""

import shutil
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from swarmctl.core.parts.names import whole
from swarmctl.core.places import Places
from swarmctl.core.record import SwarmRecord
from swarmctl.core.trialname import tried
from swarmctl.effects import files, paths
from swarmctl.effects.clock import Clock, SystemClock
from swarmctl.effects.errands import Errands
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.runtimes.process import ProcessRuntime, socket_path
from swarmctl.effects.store import ModelStore
from swarmctl.errors import HostError, SpecError

if TYPE_CHECKING:
    from swarmctl.core.placed import Placed
    from swarmctl.effects.a2a import AgentClient
    from swarmctl.effects.connections.connection import Connection
    from swarmctl.effects.connections.distant import DistantConnection
    from swarmctl.effects.hand.hand import Hand
    from swarmctl.effects.runtimes.compose import ComposeRuntime


@dataclass(frozen=True, slots=True)
class World:
    """Clock, ledger, model store, and the swarms of this machine. errands: what goes on beside a command."""

    clock: Clock
    ledger: Ledger
    store: ModelStore
    state: Path
    errands: Errands = field(default_factory=Errands, repr=False, compare=False)
    _distant: "dict[str, DistantConnection]" = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def here(cls) -> "World":
        """This machine and this user."""
        clock, state = SystemClock(), paths.state()
        return cls(clock, Ledger(state / "ledger.sqlite", clock), ModelStore(paths.models()), state)

    def places(self, swarm: str) -> Places:
        """Where a swarm's files are."""
        return Places(swarm, self.state / "swarms" / swarm)

    def runtime(self, swarm: str) -> ProcessRuntime:
        """What runs a swarm's services."""
        return ProcessRuntime(swarm, self.places(swarm).root, socket_path(self.state, swarm), self.clock)

    def compose(self, swarm: str) -> "ComposeRuntime":
        """What runs a swarm's containers, wherever that is."""
        from swarmctl.effects.runtimes.compose import ComposeRuntime  # noqa: PLC0415 - only where containers are meant

        over = self.connection(swarm)
        return ComposeRuntime(swarm, over.ask, self.clock, over.shell)

    def connection(self, swarm: str) -> "Connection":
        """The machine that a swarm's containers run on: this one, where none was written down. Does not reach it."""
        placed = self.placed(swarm)
        root = self.places(swarm).root
        if placed is None:
            from swarmctl.effects.connections.local import LocalConnection  # noqa: PLC0415 - only where containers are

            return LocalConnection(str(root), str(self.store.root / "served" / swarm))
        if swarm not in self._distant:
            from swarmctl.effects.connections.distant import DistantConnection  # noqa: PLC0415 - as above

            ports = files.read_json(self.places(swarm).ports) or {}
            self._distant[swarm] = DistantConnection(swarm, placed, root, tuple(ports.values()), self.clock)
        return self._distant[swarm]

    def hand(self, swarm: str) -> "Hand | None":
        """swarmctl on the machine that a swarm's processes are on; None where that is this one, or has containers."""
        placed = self.placed(swarm)
        if placed is None or placed.runtime != "process":
            return None
        from swarmctl.effects.connections.distant import DistantConnection  # noqa: PLC0415 - only where a host is meant
        from swarmctl.effects.hand.hand import Hand  # noqa: PLC0415 - as above

        over = self.connection(swarm)
        return Hand(swarm, placed, over) if isinstance(over, DistantConnection) else None

    def placed(self, swarm: str) -> "Placed | None":
        """The host that a swarm was put on, or that a trial is beside; None for this machine."""
        raw = files.read_json(self.places(tried(swarm)).host)
        if raw is None:
            return None
        from swarmctl.core.placed import Placed  # noqa: PLC0415 - only where a host is meant

        return Placed.model_validate(raw)

    def leave(self, swarm: str) -> None:
        """No way to a swarm's host is kept open. Raises LeakError when one cannot be ended."""
        if self.placed(swarm) is not None:
            self.connection(swarm).close()
            self._distant.pop(swarm, None)
            shutil.rmtree(self.places(swarm).root / "tunnels", ignore_errors=True)
            with suppress(OSError):
                self.places(swarm).root.rmdir()  # of a trial that was only looked for

    def put(self, placed: "Placed") -> None:
        """Write down which host a swarm is on."""
        files.write_json(self.places(placed.swarm).host, placed.model_dump(mode="json"))
        self._distant.pop(placed.swarm, None)

    def record(self, swarm: str) -> SwarmRecord | None:
        """What a swarm was last brought up as."""
        raw = files.read_json(self.places(swarm).record)
        return None if raw is None else SwarmRecord.model_validate(raw)

    def known(self) -> list[str]:
        """Swarms that have a state folder here."""
        folder = self.state / "swarms"
        return sorted(p.name for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []

    def require(self, swarm: str) -> SwarmRecord:
        """The record of a swarm that was brought up. Raises SpecError."""
        found = self.record(swarm)
        if found is None:
            others = f"; up here: {', '.join(self.known())}" if self.known() else ""
            raise SpecError(f"swarm '{swarm}' is not up on this machine{others}", hint="swarmctl up")
        return found

    def reached(self, swarm: str) -> SwarmRecord:
        """As `require`, with the ways to the machines that it is on: they ended when this computer did.

        Raises SpecError, HostError where its machine is not reached; one of several may be away.
        """
        for name in self.known():
            if (found := whole(name)) and found[0] == swarm:
                with suppress(HostError):
                    self._way(name)
        self._way(swarm)
        return self.require(swarm)

    def _way(self, swarm: str) -> None:
        if self.placed(swarm) is not None and (record := self.record(swarm)) is not None:
            self.connection(swarm).forward(tuple(record.ports.values()))

    def agent(self, record: SwarmRecord, role: str) -> "AgentClient":
        """The endpoint of one role's agent. Raises SpecError for a role that is not there."""
        if role not in record.roles:
            raise SpecError(f"swarm '{record.swarm}' has no role '{role}'; it has: {', '.join(record.roles)}")
        from swarmctl.effects.a2a import AgentClient  # noqa: PLC0415 - an HTTP client costs 50 ms

        token = files.secret(self.places(record.swarm).agent_token)
        return AgentClient(role, record.url(f"agent-{role}"), token, record.swarm)
