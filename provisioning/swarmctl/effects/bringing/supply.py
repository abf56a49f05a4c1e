"""A swarm's models on their way to a machine that SSH reaches: fetched by it where it can, sent where it cannot."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from swarmctl.core.chain import MODELS
from swarmctl.core.composesite import USER
from swarmctl.core.hosts import Host
from swarmctl.core.placed import models_of
from swarmctl.core.spec import ModelSource, SwarmSpec
from swarmctl.effects.bringing.depot import CannotFetchError, Depot, DiskFullError, File, MissingError
from swarmctl.effects.bringing.resolving import fetches, resolved
from swarmctl.effects.bringing.wanted import lends_token
from swarmctl.effects.engines.elsewhere import Elsewhere, Tell
from swarmctl.effects.errands import Errand, Errands, Watch
from swarmctl.effects.hosts.ssh import Line
from swarmctl.effects.paths import private
from swarmctl.effects.sources.hubaddress import token
from swarmctl.effects.store import AwayModel, ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import DeployError, SpecError

Say = Callable[[str], None]


class Supply:
    """One swarm's models and one machine. A source is named as the swarm file does, relative paths resolved."""

    def __init__(self, spec: SwarmSpec, depot: Depot, store: ModelStore, errands: Errands, say: Say) -> None:
        self._spec, self._depot, self._store, self._errands, self._say = spec, depot, store, errands, say
        self._far: set[str] = set()

    def begin(self, sources: Iterable[ModelSource]) -> None:
        """Start with what is not under way yet, two at once; nobody waits."""
        for source in sources:
            self._errands.begin(self._name(source), MODELS, partial(self._errand, source), alone=True)

    def under_way(self, source: ModelSource) -> bool:
        """It was begun, and may have arrived."""
        return self._errands.begun(self._name(source))

    def wait(self, source: ModelSource, watch: Watch) -> None:
        """Until its file is there. What went wrong before the machine was ready for it is tried again, once.

        Raises HostError, SpecError.
        """
        name = self._name(source)
        early = self._errands.begun(name)
        self.begin([source])
        try:
            self._errands.wait(name, watch)
        except (SpecError, DiskFullError):
            raise
        except Exception:
            if not early:
                raise
            self.begin([source])
            self._errands.wait(name, watch)

    def weights(self, source: ModelSource) -> tuple[str, Elsewhere]:
        """The file's sha256, and how a server on the machine is given it. Raises DeployError where it is not known."""
        model = self._store.described(source)
        if model is None:
            raise DeployError(f"nothing is known of {source.key} any more", hint="swarmctl up")

        def give(tell: Tell) -> None:
            def watch(_what: str, done: int = 0, total: int | None = None) -> None:
                tell(done, total or model.bytes)

            self.wait(source, watch)
            try:
                self._depot.lend(model.sha256)
            except MissingError:
                self.bring(source, tell, anew=True)
                self._depot.lend(model.sha256)

        return model.sha256, Elsewhere(model.bytes, give)

    def place(self, source: ModelSource, name: str, watch: Watch) -> None:
        """The file stands under a name of the models' folder, for a server that reads files."""
        self.wait(source, watch)
        model = self._store.described(source)
        if model is None:
            raise DeployError(f"nothing is known of {source.key} any more", hint="swarmctl up")
        try:
            self._depot.lend(model.sha256, name)
        except MissingError:
            self.bring(source, lambda done, total: watch(name, done, total), anew=True)
            self._depot.lend(model.sha256, name)

    def bring(self, source: ModelSource, watch: Tell, *, anew: bool = False) -> str:
        """Have the whole file there, now; `hub`, `here` or `there already`. Raises HostError, SpecError.

        anew: what a server made of it does not count.
        """
        away = resolved(source, self._store) if fetches(source) else None
        known = self._store.described(source)
        if not anew and known is not None and known.sha256 in self._depot.look().whole:
            return "there already"
        same = away is not None and known is not None and away.sha256 == known.sha256
        if same and away is not None and self._fetched(source, away, watch):
            return "hub"
        held = self._store.held(source) or self._store.add(source, progress=lambda done, total: watch(done, total or 0))
        sent = self._depot.push(File(held.sha256, held.bytes), held.blob, watch)
        if 0 < sent < held.bytes:
            self._say(f"{source.key}: {sent:,} of {held.bytes:,} bytes were sent, the others were there")
        return "here"

    def _fetched(self, source: ModelSource, away: AwayModel, watch: Tell) -> bool:
        """The machine has it from the hub; else it is said why it comes from here."""
        lent = token(away.url) if away.guarded else ""
        if away.guarded and not (lent and lends_token(self._spec)):
            self._say(f"{source.key} needs your hub token, which {self._depot.name} is not lent: it goes through here")
            return False
        if self._far:
            return False
        try:
            self._depot.pull(File(away.sha256, away.bytes), away.url, lent, watch)
        except CannotFetchError as e:
            self._say(f"{e.message} ({e.detail}): {source.key} goes through here")
            if e.far:
                self._far.add(self._depot.name)
            return False
        return True

    def _errand(self, source: ModelSource, errand: Errand) -> None:
        def watch(done: int, total: int) -> None:
            errand.go_on()
            if total:
                errand.watch(
                    f"{source.file or Path(source.path or source.key).name} to {self._depot.name}", done, total
                )

        try:
            self.bring(source, watch)
        except (SpecError, DiskFullError):
            errand.in_vain = True
            raise

    def _name(self, source: ModelSource) -> str:
        return f"{self._spec.name}: {source.key}"


def supply(spec: SwarmSpec, host: Host, world: World, say: Say) -> Supply:
    """Of a swarm whose machine lets us in; its line is one of its own, and ends with the world's errands."""
    line = Line(host, private(world.places(spec.name).root / "tunnels" / "models"))
    world.errands.at_end(line.close)
    return Supply(spec, Depot(line, host.name, models_of(spec.name), USER), world.store, world.errands, say)
