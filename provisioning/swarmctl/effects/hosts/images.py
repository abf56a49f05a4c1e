"""Images of a swarm on a host: pulled or built there, or sent from this machine's Docker where that has them."""

from collections.abc import Callable

from swarmctl.core.lock import Lock
from swarmctl.effects import imaging
from swarmctl.effects.connections.connection import Connection
from swarmctl.effects.dockerapi import asking, engine_is_near
from swarmctl.effects.hosts.building import build
from swarmctl.effects.hosts.layers import send
from swarmctl.effects.recipe import Recipe, recipe
from swarmctl.errors import DeployError, HostError


def provide(reference: str, lock: Lock, tell: Callable[[str], None], over: Connection) -> None:
    """Sees that an image is in the machine's Docker, and that it is the one that the lock holds.

    Another machine than this one pulls what it can; what it cannot, and is here, is sent. What is ours is built here
    where a Docker is, and sent, else built there. Raises DeployError, HostError.
    """
    if not over.name:
        imaging.provide(reference, lock=lock, tell=tell)
        return
    if not imaging.missing([reference], ask=over.ask, apart=True):
        _locked(reference, lock, over)
        return
    why, own = None, recipe(reference)
    if own is None:
        try:
            imaging.pull(reference, lock, tell, over.shell)
        except DeployError as e:
            why = e
    if why is not None or own is not None:
        _had(reference, own, lock, tell, over, why)
    if not imaging.look([reference], ask=over.ask):
        raise DeployError(
            f"{reference} is still not on {over.name}", hint=f"ssh {over.name} docker image inspect {reference}"
        )
    _locked(reference, lock, over)


def _had(
    reference: str,
    own: Recipe | None,
    lock: Lock,
    tell: Callable[[str], None],
    over: Connection,
    why: DeployError | None,
) -> None:
    """From this machine's Docker, or built there. why: it cannot be pulled there."""
    if not docker_is_here():
        if own is None:
            raise why or DeployError(f"{reference} cannot be had", hint="swarmctl doctor")
        build(own, tell, over)
        return
    if why is not None and imaging.missing([reference], ask=asking()):
        raise why
    imaging.provide(reference, lock=lock, tell=tell)
    send(reference, tell, over)


def docker_is_here() -> bool:
    """This machine has a Docker that answers."""
    try:
        return engine_is_near() and bool(asking()("/version"))
    except HostError:
        return False


def _locked(reference: str, lock: Lock, over: Connection) -> None:
    for seen in imaging.look([reference], ask=over.ask):
        lock.check(seen)
