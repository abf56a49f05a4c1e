"""A base's tensors beside a specialist's, and where in a GGUF the change of each belongs."""

from dataclasses import dataclass
from pathlib import Path

from swarmctl.converter.alike import known, tied
from swarmctl.converter.difference import Difference
from swarmctl.converter.names import EMBEDDING, HEAD, Names
from swarmctl.converter.tensors import Refused, Tensor, document, tensors

_HEAD = "lm_head.weight"


@dataclass(frozen=True, slots=True)
class Published:
    """One folder read: its tensors, and whether its head is its embedding."""

    folder: Path
    names: Names
    tensors: dict[str, Tensor]
    tied: bool

    @classmethod
    def of(cls, folder: Path) -> "Published":
        """Headers and config.json only. Raises Refused."""
        config = document(folder / "config.json")
        known(config)
        found = tensors(folder)
        is_tied = tied(config, set(found))
        if is_tied:
            found.pop(_HEAD, None)  # a copy that nothing reads
        return cls(folder, Names.of(config), found, is_tied)

    @property
    def embedding(self) -> str:
        """The name of the matrix that tokens are looked up in. Raises Refused where there is none."""
        for name in self.tensors:
            if self.names.full(name) == EMBEDDING:
                return name
        raise Refused(f"{self.folder.name}: has no matrix of embeddings")

    @property
    def size(self) -> int:
        """Bytes of all its tensors."""
        return sum(tensor.size for tensor in self.tensors.values())


@dataclass(frozen=True, slots=True)
class Matched:
    """One tensor of both. targets: the GGUF tensors that take its change; none where an adapter cannot hold it."""

    name: str
    targets: tuple[str, ...]
    difference: Difference

    @property
    def matrix(self) -> bool:
        """Two dimensions, as an adapter wants."""
        return len(self.difference.base.shape) == 2


def matched(base: Published, edited: Published) -> list[Matched]:
    """Every tensor once. Raises Refused for tensors that only one of both has, or of another shape.

    The head of a tied base is its embedding: where both are tied one change goes to both places.
    """
    head = {name for name in (_HEAD,) if name in edited.tensors or name in base.tensors}
    names = [name for name in base.tensors if name not in head]
    lonely = sorted((base.tensors.keys() ^ edited.tensors.keys()) - head)
    if lonely:
        more = f" and {len(lonely) - 4} more" if len(lonely) > 4 else ""
        raise Refused(f"tensors that only one of both has: {', '.join(lonely[:4])}{more}")
    found = [_one(base.names, name, base.tensors[name], edited.tensors[name]) for name in names]
    embedding = base.embedding
    if head:
        mine = base.tensors.get(_HEAD, base.tensors[embedding])
        theirs = edited.tensors.get(_HEAD, edited.tensors[embedding])
        found.append(_one(base.names, _HEAD, mine, theirs))
    else:
        both = () if base.names.headless else (EMBEDDING, HEAD)
        found = [Matched(m.name, both, m.difference) if m.name == embedding else m for m in found]
    return found


def _one(names: Names, name: str, mine: Tensor, theirs: Tensor) -> Matched:
    if mine.shape != theirs.shape:
        raise Refused(f"{name}: has shape {list(theirs.shape)}, the base's has {list(mine.shape)}")
    target = names.full(name)
    whole = target is not None and len(mine.shape) == 2
    return Matched(name, (target,) if target and whole else (), Difference(mine, theirs))
