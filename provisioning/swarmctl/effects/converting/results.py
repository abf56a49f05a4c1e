"""What conversions gave: one small file a result, beside the store's blobs, and certificates by content."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from swarmctl.effects import files
from swarmctl.effects.paths import private
from swarmctl.effects.store import ModelStore
from swarmctl.effects.storeindex import Index

SCHEMA = "swarmctl/conversion/v1"


@dataclass(frozen=True, slots=True)
class Result:
    """One quantised model that is whole, and proved where there was something to prove it against.

    key: of the conversion. name: of the model. held: its key in the store. parameters: weights, for bits per weight.
    divergence: KL against the unquantised model, where it was measured. seconds: that the steps of it took.
    """

    key: str
    name: str
    quant: str
    sha256: str
    bytes: int
    held: str
    tool: str
    parameters: int
    seconds: float = 0.0
    divergence: float | None = None
    certified: bool = False

    @classmethod
    def read(cls, raw: Any) -> "Result | None":
        """From JSON; None for what is none of ours."""
        try:
            found = cls(**{k: v for k, v in raw.items() if k != "schema"})
        except (TypeError, AttributeError):
            return None
        words = (found.key, found.name, found.quant, found.sha256, found.held, found.tool)
        numbers = (found.bytes, found.parameters, found.seconds, found.divergence or 0.0)
        good = all(isinstance(word, str) for word in words) and all(type(n) in {int, float} for n in numbers)
        return found if good and _KEY.fullmatch(found.key) else None

    @property
    def bits(self) -> float:
        """Bits per weight."""
        return 8 * self.bytes / self.parameters if self.parameters else 0.0


_KEY = re.compile(r"[0-9a-f]{32}")


class Results:
    """`conversions/<key>.json` and `certificates/<sha256>.json` of one store."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        self._index = Index(store.root)

    def one(self, key: str) -> Result | None:
        """The result of a key whose file is whole and unchanged; None where it must be made."""
        found = Result.read(files.read_json(self._file(key)))
        if found is None:
            return None
        held = self._store.held(found.held)
        return found if held is not None and held.sha256 == found.sha256 and found.key == key else None

    def of(self, held: str) -> Result | None:
        """How the model that the store knows under a key was made; None where it was not made here."""
        folder = self._store.root / "conversions"
        found = (self.one(path.stem) for path in sorted(folder.glob("*.json")))
        return next((one for one in found if one is not None and one.held == held), None)

    def held(self, keys: Iterable[str]) -> frozenset[str]:
        """Those of the keys whose results are there."""
        return frozenset(key for key in keys if self.one(key) is not None)

    def put(self, result: Result) -> None:
        """The result counts from now on."""
        files.write_json(self._file(result.key), {"schema": SCHEMA, **asdict(result)})

    def certificate(self, sha256: str) -> Any:
        """The certificate of a model by its content, as JSON; None where it has none."""
        return files.read_json(self._certificate(sha256))

    def certify(self, sha256: str, certificate: Any) -> None:
        """Keep a certificate beside the model that it speaks of."""
        files.write_json(self._certificate(sha256), certificate)

    def work(self) -> Path:
        """Where conversions write until they are whole; the store's own sweep takes it away."""
        return private(self._store.root / "incoming" / "convert")

    def lock(self, name: str, *, shared: bool = False, wait: bool = True) -> Any:
        """A lock of the store."""
        return self._index.lock(name, shared=shared, wait=wait)

    def blob(self, sha256: str) -> Path:
        """Where a model of this content lies."""
        return self._index.blob(sha256)

    def _file(self, key: str) -> Path:
        return self._store.root / "conversions" / f"{key}.json"

    def _certificate(self, sha256: str) -> Path:
        return self._store.root / "certificates" / f"{sha256}.json"
