"""What containers run on, looked at once: the Engine, its images, what is written, and what its servers know."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from swarmctl.core.asmade import AsMade
from swarmctl.core.composesite import ComposeSite
from swarmctl.core.hardware.box import Box
from swarmctl.core.lock import Lock, Seen
from swarmctl.core.modelfile import Created
from swarmctl.core.placement.demand import Known

OPEN = "the host is open to its network"
"""What may be missing of the preparation while containers go on."""


@dataclass(frozen=True, slots=True)
class Resident:
    """A model that a server has loaded. context: tokens per slot. left: seconds until it sleeps, inf for never.

    on_gpu: share of it that is in GPU memory, as its server says; None where that is not known.
    """

    context: int
    left: float
    on_gpu: float | None = None


@dataclass(frozen=True, slots=True)
class ServerSeen:
    """One Ollama server: models that it knows, models that are loaded. problem: why nothing of it can be seen."""

    created: Mapping[str, Created] = field(default_factory=dict)
    loaded: Mapping[str, Resident] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ComposeHost:
    """The part of a look that only containers need.

    engine: version of Docker, empty with the reason in `problem` and what to type in `mend`. box: with its cards. site:
    without ports and files. images: ID of each image that is here and fit to use, by reference. running: image ID of
    each service's container. made: how each was made. seen, lock: digests of images as they are here, and as they are
    demanded. lock_path: of its file, "" for none. modelfiles: templates by family. known: facts of the models. digests:
    sha256 of the files of the store, by source key. written: texts under the swarm's folder by path. servers: by
    service. foreign: containers of this swarm's name that were made from files that are not ours. ruled: firewall rules
    can close what the Engine leaves open.
    """

    engine: str
    box: Box
    site: ComposeSite
    version: str
    problem: str = ""
    mend: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    running: Mapping[str, str] = field(default_factory=dict)
    made: Mapping[str, AsMade] = field(default_factory=dict)
    seen: Mapping[str, Seen] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)
    lock_path: str = ""
    modelfiles: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, Known] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    written: Mapping[str, str] = field(default_factory=dict)
    servers: Mapping[str, ServerSeen] = field(default_factory=dict)
    foreign: tuple[str, ...] = ()
    ruled: bool = False
