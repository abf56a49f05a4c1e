"""Gives one model to its Ollama server and loads it; where its bytes went bad there, they come from the store again."""

from collections.abc import Callable, Sequence
from pathlib import Path

from swarmctl.core.ollama.order import Wish
from swarmctl.effects.engines.elsewhere import Elsewhere
from swarmctl.effects.engines.ollama import Ollama, Watch
from swarmctl.errors import DeployError

Recipe = Callable[[str], tuple[str, Path | Elsewhere] | None]
"""Modelfile and file of a model by its name; None for one that is not of this server."""


def serve(client: Ollama, name: str, recipe: Recipe, wish: Wish | None, watch: Watch) -> None:
    """Make a model as its recipe says, and load it where that is wished.

    With bytes that went bad go other models that stood on them: they are given again, and loaded by whoever asks.
    Raises DeployError and HostError as the client does.
    """
    if (own := recipe(name)) is None:
        raise ValueError(f"{name} is no model of this server")
    try:
        _given(client, name, own, wish, watch)
    except DeployError:
        if not client.damaged(name):
            raise
        for other in client.renew(name, *own, watch):
            if (text := recipe(other)) is not None:
                client.renew(other, *text, watch)  # a server remembers what it made of damaged bytes
        _given(client, name, own, wish, watch)


def stay(client: Ollama, loaded: Sequence[str]) -> None:
    """See that the last of these models pushed out none that was loaded before it. Raises DeployError."""
    seen = {row.name for row in client.running()}
    if lost := [name for name in loaded if name not in seen]:
        raise DeployError(
            f"loading {loaded[-1]} pushed out {', '.join(lost)}",
            detail=f"loaded now: {', '.join(sorted(seen)) or 'nothing'}",
            hint="swarmctl plan",
        )


def _given(client: Ollama, name: str, own: tuple[str, Path | Elsewhere], wish: Wish | None, watch: Watch) -> None:
    client.put(name, *own, watch)
    if wish is not None:
        client.load(wish, watch)
