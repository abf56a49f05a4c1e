"""What the market says of the account: who pays, what is left, which keys may log in, what was charged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from swarmctl.core.leasing import fields


@dataclass(frozen=True, slots=True)
class Account:
    """id: empty where not said. credit: $ that can be spent, None where not said."""

    id: str
    credit: Decimal | None


@dataclass(frozen=True, slots=True)
class Charge:
    """$ of one machine. kind: gpu, disk, bwd (down), bwu (up); empty for what was not broken down.

    since, until: what time it is for, in epoch seconds; None where not said.
    """

    lease: str
    label: str
    kind: str
    amount: Decimal
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that may log in to what the account rents. text: as in authorized_keys."""

    id: str
    text: str

    @property
    def body(self) -> str:
        """Kind and key without the comment: what makes two keys the same."""
        return " ".join(self.text.split()[:2])


def read_account(document: Any) -> Account | None:
    """The account; None where the answer is none."""
    if not isinstance(document, Mapping):
        return None
    return Account(fields.identity(document.get("id")), fields.number(document, "credit", 10**9, -(10**9)))


def read_keys(document: Any) -> tuple[PublicKey, ...] | None:
    """The account's public keys: a bare list, or one under a name; None where there is no list."""
    found = document
    if isinstance(document, Mapping):
        found = next((document[key] for key in ("ssh_keys", "keys") if isinstance(document.get(key), list)), None)
    if not isinstance(found, list):
        return None
    keys = []
    for entry in found:
        if isinstance(entry, Mapping) and entry.get("deleted_at") is None:
            text = next((entry[k] for k in ("public_key", "key", "ssh_key") if isinstance(entry.get(k), str)), "")
            keys.append(PublicKey(fields.identity(entry.get("id")), text.strip()[:16384]))
    return tuple(keys)


def read_charges(entries: Sequence[Any]) -> tuple[Charge, ...] | None:
    """What machines were charged for, by kind; None where an entry cannot be read, since a sum without it is none."""
    charges: list[Charge] = []
    for entry in entries:
        if not isinstance(entry, Mapping):
            return None
        source = entry.get("source")
        if not isinstance(source, str) or not source.startswith("instance-"):
            continue
        found = _parts(entry, fields.identity(source.removeprefix("instance-")))
        if found is None:
            return None
        charges += found
    return tuple(charges)


def _parts(entry: Mapping[str, Any], lease: str) -> list[Charge] | None:
    meta = entry.get("metadata")
    label = meta.get("label") if isinstance(meta, Mapping) else None
    called = label if isinstance(label, str) else ""
    items = entry.get("items")
    parts = items if isinstance(items, list) and items else [entry]
    found = []
    for part in parts:
        amount = fields.number(part, "amount", 10**9, -(10**9)) if isinstance(part, Mapping) else None
        if amount is None or not lease:
            return None
        kind = fields.text(part, "type") if part is not entry else ""
        found.append(Charge(lease, called, kind, amount, *(_time(part, entry, key) for key in ("start", "end"))))
    return found


def _time(part: Mapping[str, Any], entry: Mapping[str, Any], key: str) -> float | None:
    found = fields.number(part, key, 10**11) or fields.number(entry, key, 10**11)
    return None if found is None else float(found)
