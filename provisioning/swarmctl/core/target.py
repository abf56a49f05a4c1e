"""Where a swarm runs: on this machine, on one of one's own that SSH reaches, or on a rented one."""

from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from swarmctl.core.price.money import exact
from swarmctl.core.strict import Strict
from swarmctl.core.units import Duration

_HOST = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"


def _dollars(value: object) -> object:
    """The amount that was written: `1.2` is read by its digits, never as a binary fraction."""
    if isinstance(value, float):
        value = repr(value)
    if isinstance(value, str | int) and not isinstance(value, bool):
        amount = exact(value.strip().removeprefix("$") if isinstance(value, str) else value)
        if not 0 < amount < 100_000:
            raise ValueError(f"{value!r} is no amount of dollars to spend")
        return amount
    return value


Dollars = Annotated[
    Decimal,
    BeforeValidator(_dollars),
    WithJsonSchema({"oneOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "examples": ["1.20"]}]}),
]
"""$ as a decimal."""


class LocalTarget(Strict):
    """This machine."""


_LENT = "Lend it your model hub's token while it fetches what needs one; such models go through here if not."


class SshTarget(Strict):
    """A machine of one's own."""

    hosts: tuple[Annotated[str, Field(pattern=_HOST)], ...] = Field(
        min_length=1,
        max_length=1,
        strict=False,
        description="Its name: in inventory/hosts.yml beside the swarm file, or as `ssh NAME` knows it.",
    )
    hub_token: bool = Field(False, description=_LENT)


class Tell(Strict):
    """Who is told of thresholds: 50, 80 and 95 % of the budget, 15 and 5 minutes before the end, and the end."""

    url: str = Field(
        "", description="A webhook: each notice is posted to it as JSON.", pattern=r"^(https?://\S{1,500})?$"
    )
    command: tuple[str, ...] = Field(
        (), strict=False, description="A command: it is run with the notice as JSON on its stdin."
    )


class Save(Strict):
    """Where results go that nobody has fetched when a rented machine ends: a git repository elsewhere.

    What may write there lies on the machine as long as it is rented.
    """

    remote: str = Field(
        description="Its address: git@host:me/results.git, ssh://… or https://….",
        pattern=r"^(ssh://\S{1,400}|https://[^\s@]{1,400}|[A-Za-z0-9_.-]{1,60}@[A-Za-z0-9.-]{1,200}:[^\s:]\S{0,200})$",
    )
    key: str | None = Field(
        None, description="File here with the private key that may write there: a deploy key of that repository alone."
    )
    token: str | None = Field(None, description="File here with a token for https that may write there, and no more.")
    user: str = Field("swarmctl", description="Name that goes with the token.", pattern=r"^[^\s:@]{1,100}$")
    known_hosts: str | None = Field(
        None, description="File here with the remote's host keys; the first one met is believed if left out."
    )

    @model_validator(mode="after")
    def _fits(self) -> "Save":
        web = self.remote.startswith("https://")
        if web and (self.token is None or self.key is not None):
            raise ValueError("an https remote takes a token, and no key")
        if not web and (self.key is None or self.token is not None):
            raise ValueError("a remote by SSH takes a key, and no token")
        return self


class VastTarget(Strict):
    """A machine rented at Vast.ai."""

    gpu: str | None = Field(None, description="The card: a100, A100_SXM4:2; whatever carries the swarm if left out.")
    max_price: Dollars | None = Field(None, description="$/h at most, with its disk.")
    budget: Dollars | None = Field(
        None, description="$ in all; what the ttl costs, and a quarter more, if left out. Its guard ends it before."
    )
    ttl: Duration = Field(8 * 3600, description="It is given back after this long, whatever happens.")
    idle: Duration = Field(30 * 60, description="It is given back after this long without work; 0 for never.")
    at_end: Literal["save-then-destroy", "destroy", "stop"] = Field(
        "save-then-destroy", description="What becomes of it; a stopped machine goes on costing its disk."
    )
    where: str | None = Field(None, description="More conditions, in the market's own language: cpu_ghz>=3.")
    regions: tuple[str, ...] = Field((), strict=False, description="Only there: SE, or Sweden.")
    datacenter: bool = Field(False, description="No private hosts.")
    spot: bool = Field(False, description="Cheaper, and taken away by a higher bid.")
    hub_token: bool = Field(False, description=_LENT)
    unverified: bool = Field(False, description="Hosts that the market has not looked at, too.")
    notify: Tell = Field(Tell(), description="Who is told when time or money comes to an end.")
    save: Save | None = Field(
        None,
        description="Where results that nobody fetched are pushed before the end; they are fetched here, too.",
    )

    @model_validator(mode="after")
    def _long_enough(self) -> "VastTarget":
        if self.ttl < 600:
            raise ValueError(f"ttl: {self.ttl} s are over before the machine is ready; 10m is the least")
        return self


class Place(Strict):
    """One machine; this one if nothing is named."""

    local: LocalTarget | None = Field(None, description="This machine.")
    ssh: SshTarget | None = Field(None, description="A machine of one's own that SSH reaches.")
    vast: VastTarget | None = Field(None, description="A machine rented at Vast.ai.")

    @model_validator(mode="before")
    @classmethod
    def _named(cls, raw: Any) -> Any:
        """`vast:` with nothing behind it is a rented machine with all that is usual."""
        if isinstance(raw, dict) and len(raw) == 1 and next(iter(raw)) in {"local", "vast"}:
            return {name: {} if value is None else value for name, value in raw.items()}
        return raw

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name in ("local", "ssh", "vast", "slots") if getattr(self, name, None)]
        if len(given) > 1:
            raise ValueError(f"name one of {', '.join(type(self).model_fields)} (found {', '.join(given)})")
        return self

    @property
    def is_here(self) -> bool:
        """It is this machine."""
        return self.ssh is None and self.vast is None


class Target(Place):
    """Where the swarm runs; this machine if nothing is named."""

    slots: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")], Place] = Field(
        {},
        description="Several machines, each with a name of your choice; `roles: {…: {slot: NAME}}` says who is where.",
    )

    @property
    def is_here(self) -> bool:
        """It is this machine alone."""
        return super().is_here and not self.slots
