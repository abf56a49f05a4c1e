"""A machine that we hold and pay for, as the market describes it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from swarmctl.core.leasing import fields
from swarmctl.core.leasing.label import MARK, Label, parse, resembles
from swarmctl.core.leasing.state import LeaseState, state_of
from swarmctl.core.price.money import ZERO

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,253}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Address:
    """Where SSH may answer. kind: direct (a port of the machine itself) or proxy (one of the market's)."""

    host: str
    port: int
    kind: str = "direct"


@dataclass(frozen=True, slots=True)
class Hourly:
    """$/h. base: of the machine; storage: of its disk, in every state. down, up: $/GB. None: not said."""

    base: Decimal | None = None
    storage: Decimal | None = None
    total: Decimal | None = None
    down: Decimal = ZERO
    up: Decimal = ZERO

    @property
    def known(self) -> Decimal | None:
        """What an hour of running costs: as said, but never less than its parts."""
        parts = None if self.base is None else self.base + (self.storage or ZERO)
        found = [amount for amount in (self.total, parts) if amount is not None]
        return max(found) if found else None


@dataclass(frozen=True, slots=True)
class Lease:
    """One machine. label: None where it is not ours; called: what its label says, whatever it is.

    since, ends: epoch seconds, None where not said. disk: GB. said: the market's own words on its state.
    addresses: where to try SSH, direct ones first.
    """

    id: str
    label: Label | None
    called: str
    state: LeaseState
    machine: str = ""
    host: str = ""
    gpu: str = ""
    count: int = 0
    vram: int | None = None
    disk: Decimal | None = None
    since: float | None = None
    ends: float | None = None
    hourly: Hourly = field(default_factory=Hourly)
    is_bid: bool = False
    said: str = ""
    addresses: tuple[Address, ...] = ()
    driver: str = ""

    @property
    def ours(self) -> bool:
        """A swarmctl rented it: its label says so to the letter."""
        return self.label is not None

    @property
    def unlabelled(self) -> bool:
        """It is ours, and only its own variable says so: the label was lost."""
        return self.label is not None and not self.called

    @property
    def strange(self) -> bool:
        """It is called like ours but is none: shown, never touched."""
        return self.label is None and resembles(self.called)

    def as_json(self) -> dict[str, Any]:
        """Money as text, since binary fractions cannot hold it."""
        label = self.label
        return {
            "id": self.id,
            "label": self.called,
            "swarm": label.swarm if label else None,
            "owner": label.owner if label else None,
            "expires": label.expires if label else None,
            "state": self.state.value,
            "said": self.said,
            "gpu": self.gpu,
            "count": self.count,
            "machine": self.machine,
            "since": self.since,
            "dollars_per_hour": None if self.hourly.known is None else str(self.hourly.known),
        }


def read_lease(raw: object) -> Lease | None:
    """One instance as the market writes it; None where it has no id, so that nothing can be done about it."""
    if not isinstance(raw, Mapping) or not (found := fields.identity(raw.get("id"))):
        return None
    called = raw.get("label")
    since, ends = (fields.number(raw, key, 10**11) for key in ("start_date", "end_date"))
    return Lease(
        id=found,
        label=_label(raw),
        called=called[:1024] if isinstance(called, str) else "",
        state=state_of(raw),
        machine=fields.identity(raw.get("machine_id")),
        host=fields.identity(raw.get("host_id")),
        gpu=fields.text(raw, "gpu_name"),
        count=fields.whole(raw, "num_gpus", 64) or 0,
        vram=fields.whole(raw, "gpu_ram", 4_194_304),
        disk=fields.number(raw, "disk_space", 10_000_000),
        since=None if since is None else float(since),
        ends=None if ends is None else float(ends),
        hourly=_hourly(raw),
        is_bid=raw.get("is_bid") is True,
        said=fields.text(raw, "status_msg"),
        addresses=_addresses(raw),
        driver=fields.text(raw, "driver_version"),
    )


def _label(raw: Mapping[str, Any]) -> Label | None:
    """What the label says; where there is none at all, what the machine was told when it was rented."""
    called = raw.get("label")
    if called:
        return parse(called)
    env = raw.get("extra_env")
    pairs = [pair for pair in env if isinstance(pair, list) and len(pair) == 2] if isinstance(env, list) else []
    return next((parse(value) for name, value in pairs if name == MARK), None)


def _hourly(raw: Mapping[str, Any]) -> Hourly:
    """Prices of the instance; where they are given twice, the dearer."""
    inner = raw.get("instance")
    nested = inner if isinstance(inner, Mapping) else {}

    def dearest(flat: str, deep: str) -> Decimal | None:
        found = [fields.number(raw, flat, 10_000), fields.number(nested, deep, 10_000)]
        return max((amount for amount in found if amount is not None), default=None)

    return Hourly(
        base=dearest("dph_base", "gpuCostPerHour"),
        storage=dearest("storage_total_cost", "diskHour"),
        total=dearest("dph_total", "totalHour"),
        down=fields.number(raw, "inet_down_cost", 1000) or ZERO,
        up=fields.number(raw, "inet_up_cost", 1000) or ZERO,
    )


def _addresses(raw: Mapping[str, Any]) -> tuple[Address, ...]:
    ports = raw.get("ports")
    mapped = _listed(ports.get("22/tcp") if isinstance(ports, Mapping) else None)
    direct = [_address(raw.get("public_ipaddr"), entry.get("HostPort"), "direct") for entry in mapped]
    found = (*direct, _address(raw.get("ssh_host"), raw.get("ssh_port"), "proxy"))
    return tuple(dict.fromkeys(address for address in found if address is not None))


def _listed(value: object) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, Mapping)] if isinstance(value, list) else []


def _address(host: object, port: object, kind: str) -> Address | None:
    """An address, unless a part of it could be read as a flag, a user or a path."""
    name = host.strip() if isinstance(host, str) else ""
    at = fields.whole({"port": port}, "port", 65535, 1)
    return Address(name, at, kind) if at is not None and _HOST.fullmatch(name) else None
