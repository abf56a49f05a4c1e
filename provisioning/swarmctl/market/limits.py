"""How close together calls may be: by endpoint and by who calls."""

from swarmctl.market.wire import Refused

SEARCHES, MINUTE = 10, 60_000
"""Searches an address may make in a minute."""


class Limits:
    """Remembers who called when. All times in ms; nothing of it outlives the process, as nothing does there."""

    def __init__(self) -> None:
        self._next: dict[tuple[str, str], int] = {}
        self._searches: dict[str, list[int]] = {}

    def check(self, endpoint: str, who: str, now: int, threshold: float, penalty: float) -> None:
        """Notes a call. threshold, penalty: seconds. Raises Refused where it came too early; a penalty then starts."""
        if not threshold:
            return
        place = (endpoint, who)
        if now < self._next.get(place, 0):
            if penalty:
                self._next[place] = now + round((threshold + penalty) * 1000)
            raise Refused(429, f"API requests too frequent: endpoint threshold={threshold}")
        self._next[place] = now + round(threshold * 1000)

    def check_search(self, client: str, now: int) -> None:
        """Notes a search. Raises Refused where there were too many in the last minute."""
        recent = [one for one in self._searches.get(client, []) if one > now - MINUTE]
        if len(recent) >= SEARCHES:
            raise Refused(429, "API requests too frequent")
        self._searches[client] = [*recent, now]
