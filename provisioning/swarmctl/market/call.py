"""One call on its way: the request, who makes it, and what its path named."""

import math
from dataclasses import dataclass, field
from typing import Any

from swarmctl.market.account import Key
from swarmctl.market.contract import Contract
from swarmctl.market.wire import Json, Request, error, parse
from swarmctl.market.world import World

LARGEST = 1 << 62


@dataclass(slots=True)
class Call:
    """now: ms. key: None where the endpoint takes anybody. ids: numbers in the path. body: the object sent."""

    world: World
    request: Request
    now: int
    operation: str
    ids: tuple[int, ...] = ()
    body: Json = field(default_factory=dict)
    key: Key | None = None

    def contract(self) -> Contract:
        """The living instance that the path names. Raises Refused."""
        return self.living(self.ids[0])

    def living(self, id_: int) -> Contract:
        """A living instance. Raises Refused."""
        found = self.world.contracts.get(id_)
        if found is None or not found.lives(self.now):
            raise error(404, "no_such_instance", f"Instance {id_} not found.")
        return found

    def text(self, name: str, most: int, code: str = "invalid_args") -> str | None:
        """A text of the body, None where absent or null. Raises Refused where it is none, or too long."""
        found = self.body.get(name)
        if found is None:
            return None
        if not isinstance(found, str) or len(found) > most:
            raise error(400, code, f"error 400/3467: {name} must be text of at most {most} characters")
        return found

    def number(self, name: str, low: float, high: float, code: str = "invalid_args") -> float | None:
        """A number of the body, None where absent or null. Raises Refused where it is none, or out of bounds."""
        found = self.body.get(name)
        if found is None:
            return None
        try:
            number = math.nan if isinstance(found, bool) else float(found)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not low <= number <= high:
            raise error(400, code, f"error 400/3467: {name} must be a number from {low:g} to {high:g}")
        return number

    def query_json(self, name: str, default: Any) -> Any:
        """A query value that holds JSON. Raises Refused."""
        text = self.request.query.get(name)
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as e:
            raise error(400, "invalid_request", f"Error in query parameters: {name}: {str(e)[:100]}") from None

    def query_whole(self, name: str, default: int) -> int:
        """A whole number of the query. Raises Refused."""
        text = self.request.query.get(name) or str(default)
        try:
            return max(-LARGEST, min(LARGEST, int(text[:30])))
        except ValueError:
            raise error(400, "invalid_request", f"Error in query parameters: {name} must be a whole number") from None
