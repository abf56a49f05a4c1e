"""What a job does with models: given from the store of this machine, or by the supply of a distant one."""

from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from swarmctl.core.placed import Placed
from swarmctl.core.plan import Plan, Verb
from swarmctl.core.spec import SwarmSpec
from swarmctl.effects.bringing.depot import Depot
from swarmctl.effects.bringing.early import image_errand
from swarmctl.effects.bringing.supply import Supply, supply
from swarmctl.effects.connections.connection import Connection
from swarmctl.effects.engines.elsewhere import Elsewhere
from swarmctl.effects.errands import Watch
from swarmctl.effects.world import World
from swarmctl.errors import DeployError, SwarmctlError


class Given:
    """One swarm's models for the servers of the machine that it is on. Built once a job; begins nothing by itself."""

    def __init__(self, spec: SwarmSpec, world: World, over: Connection, placed: Placed | None) -> None:
        self._spec, self._world, self._over = spec, world, over
        self._supply: Supply | None = None
        self._begun: list[str] = []
        self._depot = over.depot()
        if self._depot is not None and placed is not None:
            self._supply = supply(spec, placed.reached, world, world.errands.say)

    @property
    def away(self) -> bool:
        """The machine is another one."""
        return self._supply is not None

    def begin(self, plan: Plan) -> None:
        """The models that it lacks are on their way from now on."""
        slot = plan.stacks[0].slot
        if self._supply is not None:
            self._begun = [step.subject for step in plan.steps if step.verb is Verb.LOAD and step.where == slot]
            self._supply.begin(self._spec.models[name] for name in self._begun)

    def settle(self, watch: Watch) -> None:
        """All that was begun is there, also what no server asked for. Raises HostError, SpecError."""
        for model in self._begun:
            self.arrive(model, watch, read=False)

    def image(self, reference: str, watch: Watch) -> None:
        """One that was begun while the machine was prepared has come, or has failed: then it is provided now."""
        name = image_errand(self._spec.name, reference)
        if self._world.errands.begun(name):
            with suppress(SwarmctlError):
                self._world.errands.wait(name, watch)

    def arrive(self, model: str, watch: Watch, *, read: bool = True) -> None:
        """Wait for a model of another machine. read: its file is read as it is; else only what is under way counts."""
        source = self._spec.models[model]
        if self._supply is not None and (read or self._supply.under_way(source)):
            self._supply.wait(source, watch)

    def weights(self, model: str) -> tuple[str, Path | Elsewhere]:
        """The file's sha256, and the file. Raises DeployError where that went meanwhile."""
        source = self._spec.models[model]
        if self._supply is not None:
            return self._supply.weights(source)
        held = self._world.store.held(source)
        if held is None:
            raise DeployError(f"the file of {model} left the store while it was needed", hint="swarmctl up")
        return held.sha256, held.blob

    def bytes(self, key: str) -> int | None:
        """Of a source's file, by its key; None where that is not known."""
        store = self._world.store
        found = store.described(key) if self.away else store.held(key)
        return found.bytes if found is not None else None

    def stand(self, key: str, name: str, watch: Watch) -> None:
        """A file that a llama-server reads has its name under the models' folder. Raises DeployError, HostError."""
        source = next((one for one in self._spec.models.values() if one.key == key), None)
        if self._supply is not None and source is not None:
            self._supply.place(source, name, watch)
            return
        held = self._world.store.held(key)
        if held is None:
            raise DeployError(f"the file of {key} left the store while it was needed", hint="swarmctl up")
        self._over.lend(held.blob, f"{self._over.models}/{name}")

    def blobs(self, read: Callable[[], Collection[str]]) -> "DepotBlobs | None":
        """Ollama's store of another machine. read: keys of sources whose files are read as they are."""
        return DepotBlobs(self._depot, lambda: self._hashes(read())) if self._depot is not None else None

    def _hashes(self, keys: Collection[str]) -> set[str]:
        return {found.sha256 for key in keys if (found := self._world.store.described(key)) is not None}


class DepotBlobs:
    """Keeps the promise of engines.elsewhere.Blobs. read: hashes of files that are read as they are, too."""

    def __init__(self, depot: Depot, read: Callable[[], Collection[str]]) -> None:
        self._depot, self._read = depot, read

    def rewritten(self, origin: str, stored: str) -> None:
        """As Blobs has it."""
        self._depot.rewritten(origin, stored, read=origin in self._read())

    def remove(self, digest: str) -> None:
        """As Blobs has it."""
        self._depot.remove([digest])

    def damaged(self, model: str) -> bool:
        """As Blobs has it."""
        return self._depot.damaged(model)
