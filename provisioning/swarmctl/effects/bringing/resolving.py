"""What is known of a file that a machine could fetch by itself: asked of the hub once, then remembered."""

from contextlib import suppress

from swarmctl.core.spec import ModelSource
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.sources.hubaddress import address, is_loopback
from swarmctl.effects.store import AwayModel, ModelStore
from swarmctl.errors import HostError


def fetches(source: ModelSource) -> bool:
    """A file of a hub that another machine can reach as we do; a hub on loopback is another one there."""
    return source.hf is not None and source.file is not None and not is_loopback(address(source))


def resolved(source: ModelSource, store: ModelStore) -> AwayModel | None:
    """Its hash, size, header and address; None where the hub does not say them, or not now.

    What was pinned once stays so. Raises SpecError for a file that is none, or not the one that was promised.
    """
    known = store.known_away(source)
    if known is not None:
        return known
    from swarmctl.effects.bringing.published import published  # noqa: PLC0415 - an HTTP client costs 50 ms
    from swarmctl.effects.remote import remote_gguf  # noqa: PLC0415 - as above

    with suppress(HostError):
        if (found := published(source)) is None:
            return None
        held = store.held(source)
        facts = held.facts if held is not None and held.sha256 == found.digest else remote_gguf(found.url)
        added = SystemClock().now().isoformat(timespec="seconds")
        model = AwayModel(source.key, found.digest, found.size, facts, added, found.url, found.guarded)
        store.know(model)
        return model
    return None
