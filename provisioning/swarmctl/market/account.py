"""The one account of a market: its money, its keys, and what others took from under its nose."""

from dataclasses import dataclass, field, fields

from swarmctl.market.wire import Json

GROUPS = (
    *("instance_read", "instance_write", "user_read", "user_write", "billing_read", "billing_write"),
    *("machine_read", "machine_write", "misc", "team_read", "team_write"),
)
"""What a key can be allowed, as the market groups it."""


@dataclass(slots=True)
class Account:
    """Money in units: credit is what was ever paid in, settled what contracts that are over cost. Times in ms.

    taken: offers that somebody else has, until when. closed: until when searches are refused. broke: since when there
    is nothing left, 0 while there is.
    """

    credit: int
    opened: int
    settled: int = 0
    last: int = 0
    broke: int = 0
    closed: int = 0
    taken: dict[str, int] = field(default_factory=dict)

    def dump(self) -> Json:
        """As it is kept."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass(slots=True)
class Key:
    """An API key. groups: what it may, None for everything. contract: the only instance that it may touch, or None."""

    id: int
    key: str
    name: str
    created: int
    groups: list[str] | None = None
    contract: int | None = None

    def dump(self) -> Json:
        """As it is kept."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass(slots=True)
class SshKey:
    """A public key in the account. created: ms."""

    id: int
    text: str
    created: int

    def dump(self) -> Json:
        """As it is kept."""
        return {one.name: getattr(self, one.name) for one in fields(self)}
