"""Why a container or a served model is not as it should be, in a few words; empty when it is."""

from collections.abc import Mapping, Sequence

from swarmctl.core.composehost import ComposeHost, Resident, ServerSeen
from swarmctl.core.modelfile import Created, differences
from swarmctl.core.observed import RunningService
from swarmctl.core.ollama.order import Wish, order
from swarmctl.core.stack import Service

SICK = frozenset(("unhealthy", "paused", "dead", "removing", "restarting"))
"""States that Compose leaves alone: such a container is made anew."""
SETTINGS, IMAGE = "its settings changed", "its image is another one by now"
UPGRADES = frozenset((SETTINGS, IMAGE))
"""Causes for which a server is another one than before, and not the same made whole."""
CHANGED = "changed: "
LEFT_OUT = "is loaded with only "
"""Begins the cause for which a model must be put to sleep before it is loaded."""
_SLACK = 60.0


def container_drift(wanted: Service, running: RunningService | None, host: ComposeHost) -> str:
    """Why a container must be made or made anew."""
    if running is None:
        return "does not run"
    reasons = {
        SETTINGS: running.hash != wanted.hash,
        f"is {running.state}" + (f" after {running.last_exit}" if running.last_exit else ""): not running.up,
        IMAGE: host.running.get(wanted.name) not in {None, _image(wanted, host)},
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _image(wanted: Service, host: ComposeHost) -> str | None:
    return host.images.get(str(wanted.settings["image"]))


def model_drift(wish: Wish, wanted: Created, seen: ServerSeen, *, awake: bool, context: int, device: str) -> str:
    """Why a model must be given to its server or loaded anew. awake: it should be loaded now, not only when asked."""
    model, keep_alive = wish.name, wish.keep_alive
    if seen.problem:
        return seen.problem
    if (there := seen.created.get(model)) is None:
        return "its server does not know it"
    if changes := differences(wanted, there):
        return f"{CHANGED}{', '.join(changes)}"[:120]
    row = seen.loaded.get(model)
    if row is None:
        return "is not loaded" if awake else ""
    return _left_out(row, device) or _client(row, keep_alive, context)


def _left_out(row: Resident, device: str) -> str:
    """A server keeps the layers where they are, whatever the next request says: it must sleep first."""
    if device == "gpu" and row.on_gpu is not None and row.on_gpu < 1:
        return f"{LEFT_OUT}{row.on_gpu:.0%} of it on the GPU"
    return ""


def _client(row: Resident, keep_alive: int, context: int) -> str:
    """What a client has changed of a loaded model: the server obeys whoever asks."""
    if row.context != context:
        return f"a client had it loaded with {row.context} tokens, not {context}"
    if keep_alive < 0 and row.left != float("inf"):
        return f"a client had it sleep in {row.left:.0f} s"
    if keep_alive >= 0 and row.left > keep_alive + _SLACK:
        return "a client had it stay longer than planned"
    return ""


def wishes(models: Sequence[Service], sizes: Mapping[str, int], most: int | None) -> tuple[Wish, ...]:
    """The models of one server that should be loaded, in the order in which they are. sizes: bytes by source key."""
    asked = [
        Wish(s.settings["model"], sizes.get(s.settings["source"], 0), int(s.settings["keep_alive"])) for s in models
    ]
    return order(asked, most)
