"""The calls that we make of Vast.ai's protocol, each with its spacing; only what changes nothing is repeated."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import Any

from swarmctl.core.leasing.answers import Said, Trouble, judge
from swarmctl.effects.clock import Clock
from swarmctl.effects.providers.problems import UnknownError, problem, unreachable
from swarmctl.effects.providers.secret import Secret
from swarmctl.effects.providers.spacing import Spacing
from swarmctl.effects.providers.transport import LostError, NotSentError, Transport

PATIENCE = 60.0
"""Seconds for which reading is tried again."""

_DAY = 86400
_RETRY = 4.0
_PAGES = 400
_LISTINGS = 3
Json = Mapping[str, Any]


class VastClient:
    """One account at one market."""

    def __init__(self, transport: Transport, spacing: Spacing, clock: Clock, key: Secret | None = None) -> None:
        """key: only to be taken out of what is printed; the transport has its own.

        ahead: seconds by which our clock was ahead of the market's at its last answer, None where it did not say.
        """
        self._transport, self._spacing, self._clock, self.key = transport, spacing, clock, key
        self.ahead: float | None = None

    def call(self, kind: str, method: str, path: str, body: Json | None = None) -> Said:
        """One call, made once. Raises NotSentError or LostError."""
        return self._once(kind, method, path, {}, body)

    def read(
        self,
        kind: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        method: str = "GET",
    ) -> Said:
        """A call that changes nothing, made again while that may help. Raises ProviderError when nobody answers."""
        end = self._clock.monotonic() + PATIENCE
        while True:
            last = self._clock.monotonic() >= end
            try:
                said = self._once(kind, method, path, query or {}, body)
            except (NotSentError, LostError) as e:
                if last:
                    raise unreachable(path, str(e)) from None
            else:
                if last or said.trouble is None or not said.trouble.passing:
                    return said
            self._clock.sleep(_RETRY)

    def _once(self, kind: str, method: str, path: str, query: Mapping[str, str], body: Json | None) -> Said:
        self._spacing.wait(kind)
        answer = self._transport.send(method, path, query, body)
        self.ahead = _ahead(answer.headers.get("date"), self._clock.now().timestamp())
        said = judge(answer.status, answer.body)
        if said.trouble is Trouble.BUSY:
            self._spacing.late(kind, said.wait)
        return said

    def offers(self, body: Json) -> Sequence[Any]:
        """The entries of a search. Raises ProviderError."""
        said = self.read("search", "/api/v0/bundles/", body=body, method="POST")
        found = said.document.get("offers") if isinstance(said.document, Mapping) else None
        if said.trouble is not None or not isinstance(found, list):
            raise problem(said, "searching offers", self.key)
        return found

    def rent(self, offer: str, body: Json) -> Said:
        """The call that costs money: made once, whatever comes of it. Raises NotSentError or LostError."""
        return self.call("rent", "PUT", f"/api/v0/asks/{offer}/", body)

    def show(self, lease: str) -> Said:
        """One machine."""
        return self.read("show", f"/api/v0/instances/{lease}/", {"owner": "me"})

    def change(self, lease: str, body: Json) -> Said:
        """Its state or its label. Raises NotSentError or LostError."""
        return self.call("change", "PUT", f"/api/v0/instances/{lease}/", body)

    def destroy(self, lease: str) -> Said:
        """The order to delete it. Raises NotSentError or LostError."""
        return self.call("destroy", "DELETE", f"/api/v0/instances/{lease}/", {})

    def instances(self) -> list[Any]:
        """Every machine of the account. Raises UnknownError where any page is missing: half a list is none."""
        for _ in range(_LISTINGS - 1):
            with suppress(UnknownError):
                return self._instances()
            self._clock.sleep(_RETRY)
        return self._instances()

    def _instances(self) -> list[Any]:
        return self._pages("list", "/api/v1/instances/", "instances", {
            "limit": "25",
            "select_filters": "{}",
            "order_by": json.dumps([{"col": "id", "dir": "asc"}]),
        })  # fmt: skip

    def charges(self, since: int, until: int) -> list[Any]:
        """What was charged between two times (epoch seconds), and on the first one's day before it.

        The market may count whole UTC days, and then leaves out the day in which it is asked to begin. Raises
        UnknownError.
        """
        first = since // _DAY * _DAY
        span = json.dumps({"day": {"gte": first, "lte": until}, "type": {"in": ["instance"]}})
        return self._pages("charges", "/api/v0/charges/", "results", {"limit": "500", "select_filters": span})

    def _pages(self, kind: str, path: str, name: str, query: Mapping[str, str]) -> list[Any]:
        found: list[Any] = []
        tokens: set[str] = set()
        token: str | None = None
        for _ in range(_PAGES):
            said = self.read(kind, path, {**query, **({"after_token": token} if token else {})})
            entries, token = _page(said, name, self.key)
            found += entries
            if token is None:
                _complete(said, found)
                return found
            if token in tokens:
                raise UnknownError(f"{path}: the market's pages go in a circle", hint="the same command again")
            tokens.add(token)
        raise UnknownError(f"{path}: the market's pages never end", hint="the same command again")


def _ahead(date: str | None, now: float) -> float | None:
    """Seconds, of an answer's Date."""
    try:
        return None if date is None else now - parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None


def _page(said: Said, name: str, key: Secret | None) -> tuple[list[Any], str | None]:
    """The entries of a page and what names the next one. Raises UnknownError."""
    document = said.document
    if said.trouble is not None:
        found = problem(said, f"listing {name}", key)
        raise UnknownError(found.message, detail=found.detail, hint=found.hint)
    entries = document.get(name) if isinstance(document, Mapping) else None
    token = document.get("next_token") if isinstance(document, Mapping) else None
    if not isinstance(entries, list) or not (token is None or isinstance(token, str)):
        raise UnknownError(f"listing {name}: the answer is no list", detail=said.said[:200])
    return entries, token or None


def _complete(said: Said, found: Sequence[Any]) -> None:
    """A list that is shorter than the market itself says is no list. Raises UnknownError."""
    told = said.document.get("total_instances")
    ids = {str(entry.get("id")) for entry in found if isinstance(entry, Mapping)}
    if isinstance(told, int) and not isinstance(told, bool) and told > len(ids):
        raise UnknownError(f"the market speaks of {told} machines and lists {len(ids)}", hint="the same command again")
