"""What an answer of the market means, decided by its body: a bad key is a 404 there, and a failure may be a 200."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from swarmctl.core.leasing import fields


class Trouble(StrEnum):
    """Why something was not done."""

    KEY = "the key is not valid"
    FORBIDDEN = "the key does not allow this"
    OFFER_GONE = "the offer is gone"
    GONE = "there is no such machine"
    PRICE = "the price is not accepted"
    BUSY = "too many requests"
    QUOTA = "today's searches are used up"
    CREDIT = "the account has no credit"
    SPEND = "the account may not spend that fast"
    NO_SSH_KEY = "the account has no SSH key"
    OUTDATED = "the market no longer has this function"
    REFUSED = "the request was refused"
    BROKEN = "the market has a fault"
    ODD = "the answer makes no sense"

    @property
    def passing(self) -> bool:
        """The same request may work later."""
        return self in {Trouble.BUSY, Trouble.BROKEN, Trouble.ODD}


@dataclass(frozen=True, slots=True)
class Said:
    """One answer. trouble: None where it was done. said: the market's own words. wait: seconds, of a BUSY.

    contract: id of a machine that was made, even where trouble is told with it.
    """

    status: int
    document: Any
    trouble: Trouble | None = None
    said: str = ""
    wait: float = 0.0
    contract: str = ""


_CODES = {
    "auth_error": Trouble.KEY,
    "invalid_token": Trouble.KEY,
    "no_such_ask": Trouble.OFFER_GONE,
    "no_such_instance": Trouble.GONE,
    "no_ssh_key_for_vm": Trouble.NO_SSH_KEY,
    "invalid_price": Trouble.PRICE,
    "insufficient_credit": Trouble.CREDIT,
    "spend_rate_limit": Trouble.SPEND,
    "search_quota_exceeded": Trouble.QUOTA,
    "deprecated_endpoint": Trouble.OUTDATED,
    "not_authorized": Trouble.FORBIDDEN,
}
_STATUS = {401: Trouble.KEY, 402: Trouble.CREDIT, 403: Trouble.FORBIDDEN, 429: Trouble.BUSY}
_THRESHOLD = re.compile(r"threshold=(\d{1,4}(?:\.\d{1,4})?)")
_CODE = re.compile(r"\b(no_such_ask|no_such_instance|no_ssh_key_for_vm|insufficient_credit|spend_rate_limit)\b")
_LONG = 300


def judge(status: int, body: bytes) -> Said:
    """An answer by its status and body; whatever they hold."""
    document = _document(body)
    said = _words(document, body)
    contract = fields.identity(document.get("new_contract")) if isinstance(document, Mapping) else ""
    if 200 <= status < 300 and document is not None and not _denies(document):
        return Said(status, document, contract=contract)
    trouble = _trouble(status, document, said)
    wait = float(found[1]) if trouble is Trouble.BUSY and (found := _THRESHOLD.search(said)) else 0.0
    return Said(status, document, trouble, said, wait, contract)


def _document(body: bytes) -> Any:
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=Decimal)
    except (ValueError, RecursionError):
        return None


def _denies(document: Any) -> bool:
    """`success: false`, or an error without any word of success."""
    if not isinstance(document, Mapping):
        return not isinstance(document, list)
    if "success" in document:
        return document["success"] is not True
    return bool(document.get("error"))


def _words(document: Any, body: bytes) -> str:
    if isinstance(document, Mapping):
        words = [fields.text(document, key) for key in ("error", "msg", "message", "detail")]
        found = ": ".join(word for word in words if word)
        if found:
            return found
    return " ".join(body[:_LONG].decode("utf-8", "replace").split())


def _trouble(status: int, document: Any, said: str) -> Trouble:
    code = document.get("error") if isinstance(document, Mapping) else None
    named = _CODES.get(code) if isinstance(code, str) else None
    if named is None and (found := _CODE.search(said)):
        named = _CODES[found[1]]
    if named is None or (named is Trouble.GONE and status not in {200, 404, 410}):
        named = _STATUS.get(status)
    if named is not None:
        return named
    if status == 404 and "session expired" in said.lower():
        return Trouble.KEY
    if status >= 500:
        return Trouble.BROKEN
    return Trouble.REFUSED if status >= 400 else Trouble.ODD
