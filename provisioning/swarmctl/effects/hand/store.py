"""The models of a machine to which files of another are brought: a path names one of those, never one of its own."""

from pathlib import Path

from swarmctl.core.spec import ModelSource
from swarmctl.effects.sources import Progress
from swarmctl.effects.store import ModelStore
from swarmctl.effects.storeindex import HeldModel
from swarmctl.errors import HostError, SpecError


class BroughtStore(ModelStore):
    """As ModelStore, and what is not named by a path is fetched by this machine itself."""

    def held(self, source: ModelSource | str, base: Path | None = None) -> HeldModel | None:
        """As ModelStore has it; of a path what was brought under it."""
        if isinstance(source, str) or source.path is None:
            return super().held(source, base)
        found = super().held(source.key)
        return found if found is not None and source.sha256 in {None, found.sha256} else None

    def fingerprint(self, source: ModelSource, base: Path | None = None) -> str:
        """As ModelStore has it. Raises SpecError for a path under which nothing was brought."""
        if source.path is None:
            return super().fingerprint(source, base)
        if (found := self.held(source)) is None:
            raise SpecError(f"{source.path} was not brought here")
        return f"sha256:{found.sha256}"

    def add(self, source: ModelSource, base: Path | None = None, progress: Progress | None = None) -> HeldModel:
        """As ModelStore has it. Raises HostError for a path under which nothing was brought."""
        if source.path is None:
            return super().add(source, base, progress)
        if (found := self.held(source)) is None:
            raise HostError(f"{source.path} was not brought", hint="swarmctl up   (sends it)")
        return found
