"""Where a listing goes on: by the values of the last row, not by its number."""

import base64
import json
from typing import Any

from swarmctl.market.wire import Json, error

Order = list[tuple[str, bool]]


def token_of(row: Json, order: Order) -> str:
    """What the caller hands back for the page after this row."""
    values = {column: row[column] for column, _ in order}
    return base64.b64encode(json.dumps({"values": values}).encode()).decode()


def after(rows: list[Json], order: Order, token: str | None) -> int:
    """The place of the first row after the token's, in rows that are in that order. Raises Refused."""
    if not token:
        return 0
    try:
        values = json.loads(base64.b64decode(token, validate=True))["values"]
        last = [values[column] for column, _ in order]
        return sum(not _before(last, [row[column] for column, _ in order], order) for row in rows)
    except (ValueError, KeyError, TypeError, RecursionError):
        raise error(400, "invalid_token", "Invalid pagination token") from None


def _before(one: list[Any], other: list[Any], order: Order) -> bool:
    """Whether one comes before the other. Raises TypeError where they cannot be compared."""
    for (_, down), mine, yours in zip(order, one, other, strict=True):
        left, right = (mine is not None, mine), (yours is not None, yours)
        if left != right:
            return bool(left > right if down else left < right)
    return False
