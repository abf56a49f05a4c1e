"""seven-tiny's models in this user's model store, where its swarm file looks for them."""

from fakes.seventiny import adopt, source
from ground.places import ROLES
from swarmctl.effects import paths
from swarmctl.effects.store import ModelStore


def ready() -> str | None:
    """Where they are; None unless all seven are there."""
    store = ModelStore(paths.models())
    return f"seven-tiny in {store.root}" if all(store.held(source(role)) for role in ROLES) else None


def make() -> None:
    """Puts them there; a file is cloned or linked where the file system can."""
    adopt(paths.models())
