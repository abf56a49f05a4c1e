"""A market's search result: the offers that can be trusted, and those that cannot with the reason.

Field names and units are those of the rental market's search (docs.vast.ai, "search offers"). A number must be a
number: text, null, NaN or a value outside of what a machine can have refuses that offer, never the others.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from swarmctl.core.offer import Offer
from swarmctl.errors import SpecError


@dataclass(frozen=True, slots=True)
class BadOffer:
    """An entry that is no offer: its id, or its place in the list, and every reason."""

    id: str
    why: str


@dataclass(frozen=True, slots=True)
class Listing:
    """What one search said, in its order."""

    offers: tuple[Offer, ...]
    refused: tuple[BadOffer, ...]


def read_listing(raw: bytes, source: str) -> Listing:
    """The offers in a JSON document, `{"offers": [...]}` or a bare list; `source` names it in errors.

    Raises SpecError where it is no JSON or holds no list.
    """
    try:
        document = json.loads(raw, parse_float=Decimal, parse_constant=Decimal)
    except (ValueError, RecursionError) as e:
        raise SpecError(
            f"{source} is no JSON", detail=str(e)[:200], hint="save the market's answer as it came"
        ) from None
    entries = document.get("offers") if isinstance(document, dict) else document
    if not isinstance(entries, list):
        raise SpecError(f"{source} holds no offers", hint='it must be a list, or an object with a list as "offers"')
    return listing(entries)


def listing(entries: Iterable[object]) -> Listing:
    """The offers among parsed entries, whose fractions must be decimals; one bad entry never loses the others."""
    offers: dict[str, Offer] = {}
    refused = []
    for place, entry in enumerate(entries, 1):
        found = _offer(entry, place)
        if isinstance(found, Offer) and found.id in offers:
            found = BadOffer(found.id, "its id was there before")
        if isinstance(found, Offer):
            offers[found.id] = found
        else:
            refused.append(found)
    return Listing(tuple(offers.values()), tuple(refused))


class _Fields:
    """Takes values out of one entry and collects what is wrong with them."""

    def __init__(self, entry: Mapping[str, Any]) -> None:
        self.entry = entry
        self.wrong: list[str] = []

    def number(self, key: str, low: str, high: str, default: Decimal | None = None) -> Decimal:
        """A finite number from low to high; with a default it may be missing or null."""
        value = self.entry.get(key)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.wrong.append(f"{key} is {_shown(self.entry, key)}, not a number")
        elif not (number := Decimal(value)).is_finite() or not Decimal(low) <= number <= Decimal(high):
            self.wrong.append(f"{key} is {_shown(self.entry, key)}, not between {low} and {high}")
        else:
            return number
        return Decimal(low)

    def optional(self, key: str, low: str, high: str) -> float | None:
        """The same, None where it is missing or null."""
        return None if self.entry.get(key) is None else float(self.number(key, low, high))

    def text(self, key: str, *, required: bool = False) -> str:
        """Up to 100 printable characters; empty where missing or null."""
        value = self.entry.get(key)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or not value.strip() or len(value) > 100 or not value.isprintable():
            self.wrong.append(f"{key} is {_shown(self.entry, key)}, not a name")
            return ""
        return value

    def flag(self, key: str) -> bool:
        """True or false; false where missing or null."""
        value = self.entry.get(key)
        if value is not None and not isinstance(value, bool):
            self.wrong.append(f"{key} is {_shown(self.entry, key)}, not true or false")
        return value is True

    def identity(self, key: str) -> str:
        """A number or short text that names something; empty where there is none."""
        value = self.entry.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 63:
            return str(value)
        return value if isinstance(value, str) and 0 < len(value) <= 64 and value.isprintable() else ""


def _shown(entry: Mapping[str, Any], key: str) -> str:
    """A value as evidence, short whatever it is."""
    if key not in entry:
        return "missing"
    value = entry[key]
    if value is None:
        return "null"
    if isinstance(value, int) and value.bit_length() > 128:
        return "a number of more than 128 bits"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else text[:40] + "…"


def _offer(entry: object, place: int) -> Offer | BadOffer:
    if not isinstance(entry, dict):
        return BadOffer(f"entry {place}", "it is no object")
    f = _Fields(entry)
    id_ = f.identity("id")
    if not id_:
        return BadOffer(f"entry {place}", f"id is {_shown(entry, 'id')}")
    ram, cores = _share(f)
    reliability = "reliability2" if entry.get("reliability2") is not None else "reliability"
    capability = int(f.number("compute_cap", "100", "9999", Decimal(100)))
    offer = Offer(
        id=id_,
        gpu=f.text("gpu_name", required=True),
        count=int(f.number("num_gpus", "1", "64")),
        vram=int(f.number("gpu_ram", "256", "4194304")),
        ram=ram,
        cores=cores,
        disk=float(f.number("disk_space", "0", "10000000")),
        base=f.number("dph_base", "0.0001", "10000"),
        storage=f.number("storage_cost", "0", "1000"),
        up=f.number("inet_up_cost", "0", "1000"),
        down=f.number("inet_down_cost", "0", "1000"),
        uplink=float(f.number("inet_up", "0", "10000000")),
        downlink=float(f.number("inet_down", "0", "10000000")),
        reliability=float(f.number(reliability, "0", "1")),
        verified=f.text("verification") == "verified",
        datacenter=f.number("hosting_type", "0", "9", Decimal(0)) == 1,
        duration=f.optional("duration", "0", "1e10"),
        cuda=str(f.number("cuda_max_good", "0", "1000", Decimal(0)) or ""),
        capability=f"{capability // 100}.{capability % 100 // 10}" if capability > 100 else "",
        ports=int(f.number("direct_port_count", "0", "1000000", Decimal(0))),
        location=f.text("geolocation"),
        machine=f.identity("machine_id"),
        vm=f.flag("vms_enabled") and not f.flag("is_vm_deverified"),
        interruptible=f.flag("is_bid"),
        least_bid=f.number("min_bid", "0", "10000", Decimal(0)) or None,
        bandwidth=f.optional("gpu_mem_bw", "1", "100000"),
        disk_speed=f.optional("disk_bw", "0.1", "1000000"),
    )
    return BadOffer(id_, "; ".join(f.wrong)) if f.wrong else offer


def _share(f: _Fields) -> tuple[int, int]:
    """MiB of RAM and threads: a part of a machine comes with that part of both."""
    ram = f.number("cpu_ram", "128", "100000000")
    cores = f.number("cpu_cores_effective", "0.1", "4096")
    whole = f.number("cpu_cores", "1", "10000", max(cores, Decimal(1)))
    return int(ram * min(Decimal(1), cores / whole)), max(1, int(cores))
