"""Vast.ai as a provider: what `up`, `offers`, `orphans`, `reap` and `down` ask of a rental market."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from swarmctl.core.leasing import account as accounts
from swarmctl.core.leasing import fields, renting
from swarmctl.core.leasing.account import Account, Charge, PublicKey
from swarmctl.core.leasing.answers import Said, Trouble
from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.lease import Lease, read_lease
from swarmctl.core.leasing.order import Order, rent_body
from swarmctl.core.leasing.query import broken
from swarmctl.core.leasing.releasing import Result, result_of
from swarmctl.core.leasing.renting import Attempt
from swarmctl.core.leasing.want import WHERE, Need, search
from swarmctl.core.listing import BadOffer, Listing, listing
from swarmctl.effects.clock import Clock
from swarmctl.effects.providers import releasing
from swarmctl.effects.providers.problems import UnknownError, problem
from swarmctl.effects.providers.provider import Rented, Scope
from swarmctl.effects.providers.scope import scope_of
from swarmctl.effects.providers.secret import Secret, redacted
from swarmctl.effects.providers.transport import LostError, NotSentError
from swarmctl.effects.providers.vastclient import Json, VastClient
from swarmctl.errors import ProviderError


class Vast:
    """One account; keeps Provider's promises."""

    name = "vast"

    def __init__(self, client: VastClient, clock: Clock) -> None:
        self._client, self._clock = client, clock

    def offers(self, need: Need, *, broad: bool = False) -> Listing:
        """What could be rented now. Raises ProviderError."""
        entries = self._client.offers(search(need, broad=broad))
        kept, against = [], []
        for entry in entries:
            why = broken(need.where, entry) if isinstance(entry, Mapping) else ""
            if why and isinstance(entry, Mapping):
                against.append(BadOffer(fields.identity(entry.get("id")), f"{WHERE} {why}"))
            else:
                kept.append(entry)
        found = listing(kept)
        return replace(found, refused=(*found.refused, *against))

    def rent(self, attempt: Attempt, label: Label, order: Order) -> Rented:
        """One call; whatever comes of it is in the attempt."""
        try:
            said = self._client.rent(attempt.offer, rent_body(order, label))
        except NotSentError as e:
            return Rented(renting.unsent(attempt, str(e)))
        except LostError as e:
            return Rented(renting.lost(attempt, str(e)))
        said = replace(said, said=redacted(said.said, self._client.key))
        return Rented(renting.answered(attempt, said), _instance_key(said))

    def leases(self, prefix: str = "") -> tuple[Lease, ...]:
        """What is held under such labels. Raises UnknownError."""
        found: dict[str, Lease] = {}
        for entry in self._listed():
            lease = read_lease(entry)
            if lease is None:
                raise UnknownError("the market lists a machine without an id", hint="the same command again")
            if (str(lease.label) if lease.label else lease.called).startswith(prefix):
                found[lease.id] = lease
        return tuple(found.values())

    def _listed(self) -> list[object]:
        try:
            return self._client.instances()
        except UnknownError:
            raise
        except ProviderError as e:
            raise UnknownError(e.message, detail=e.detail, hint=e.hint) from None

    def lease(self, id_: str) -> Lease | None:
        """One machine, or None. Raises UnknownError."""
        try:
            said = self._client.show(id_)
        except ProviderError as e:
            raise UnknownError(e.message, detail=e.detail, hint=e.hint) from None
        if said.trouble is Trouble.GONE:
            return None
        document = said.document if isinstance(said.document, Mapping) else {}
        if said.trouble is None and "instances" in document:
            if document["instances"] is None:
                return None
            lease = read_lease(document["instances"])
            if lease is not None and lease.id == id_:
                return lease
        found = problem(said, f"looking at machine {id_}", self._client.key)
        raise UnknownError(found.message, detail=found.detail, hint=found.hint)

    def release(self, lease: str) -> None:
        """Gone, and seen to be. Raises LeakError."""
        releasing.release(self, lease, self._clock)

    def stop(self, lease: str) -> Result:
        """Stopped, as far as the market says."""
        return self._done(lease, {"state": "stopped"})

    def start(self, lease: str) -> None:
        """Running again, or waiting for its card. Raises ProviderError."""
        self._must(self._change(lease, {"state": "running"}), f"starting machine {lease}")

    def delete(self, lease: str) -> Result:
        """Ordered to be destroyed."""
        try:
            return result_of(self._client.destroy(lease))
        except (NotSentError, LostError):
            return Result.FAILED

    def look(self, lease: str, *, thorough: bool) -> Result:
        """Gone, there, or nobody knows."""
        try:
            if self.lease(lease) is not None:
                return Result.THERE
            if thorough and any(held.id == lease for held in self.leases()):
                return Result.THERE
        except UnknownError:
            return Result.FAILED
        return Result.GONE

    def relabel(self, lease: str, label: Label) -> None:
        """Another label. Raises ProviderError."""
        self._must(self._change(lease, {"label": str(label)}), f"labelling machine {lease}")

    def account(self) -> Account:
        """Who pays. Raises ProviderError."""
        said = self._client.read("user", "/api/v0/users/current/")
        found = accounts.read_account(said.document) if said.trouble is None else None
        if found is None:
            raise problem(said, "asking for the account", self._client.key)
        return found

    def keys(self) -> tuple[PublicKey, ...]:
        """The account's SSH keys. Raises ProviderError."""
        said = self._client.read("keys", "/api/v0/ssh/")
        if said.trouble in {Trouble.REFUSED, Trouble.ODD} and said.status == 404:
            return ()
        found = accounts.read_keys(said.document) if said.trouble is None else None
        if found is None:
            raise problem(said, "asking for the account's SSH keys", self._client.key)
        return found

    def add_key(self, text: str) -> None:
        """Let a public key in. Raises ProviderError."""
        wanted = PublicKey("", text.strip())
        if any(held.body == wanted.body for held in self.keys()):
            return
        try:
            said = self._client.call("keys", "POST", "/api/v0/ssh/", {"ssh_key": wanted.text})
        except (NotSentError, LostError) as e:
            said = Said(0, None, Trouble.BROKEN, str(e))
        if said.trouble is not None and not any(held.body == wanted.body for held in self.keys()):
            raise problem(said, "adding an SSH key to the account", self._client.key)

    def admit(self, lease: str, text: str) -> None:
        """Let a public key into one machine. Raises ProviderError."""
        path = f"/api/v0/instances/{lease}/ssh/"
        try:
            said = self._client.call("keys", "POST", path, {"ssh_key": PublicKey("", text.strip()).text})
        except (NotSentError, LostError) as e:
            said = Said(0, None, Trouble.BROKEN, str(e))
        if said.trouble is not None and "already" not in said.said.lower():
            raise problem(said, f"letting an SSH key into machine {lease}", self._client.key)

    def charges(self, since: int, until: int) -> Sequence[Charge]:
        """What was charged. Raises UnknownError."""
        found = accounts.read_charges(self._client.charges(since, until))
        if found is None:
            raise UnknownError("a charge cannot be read, so that their sum is not known")
        return found

    def clock_ahead(self) -> float | None:
        """Seconds by which our clock is ahead of the market's; None where that is not known."""
        return self._client.ahead

    def scope(self) -> Scope:
        """What the key may do. Raises ProviderError."""
        return scope_of(self._client, int(self._clock.now().timestamp()))

    def _change(self, lease: str, body: Json) -> Said:
        try:
            return self._client.change(lease, body)
        except (NotSentError, LostError) as e:
            return Said(0, None, Trouble.BROKEN, str(e))

    def _done(self, lease: str, body: Json) -> Result:
        said = self._change(lease, body)
        return result_of(None if said.status == 0 else said)

    def _must(self, said: Said, doing: str) -> None:
        if said.trouble is not None:
            raise problem(said, doing, self._client.key)


def _instance_key(said: Said) -> Secret | None:
    value = said.document.get("instance_api_key") if isinstance(said.document, Mapping) else None
    return Secret(value) if isinstance(value, str) and 0 < len(value) <= 500 and value.isprintable() else None
