"""Shows a model hub the user's token."""

import requests
from requests.auth import AuthBase

from swarmctl.effects.sources.hubaddress import token


class _Bearer(AuthBase):
    def __init__(self, held: str) -> None:
        self._held = held

    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        r.headers["Authorization"] = f"Bearer {self._held}"
        return r


def bearer(url: str) -> AuthBase | None:
    """What shows the token at this address, where it may be; requests drops it when it is sent on to another host."""
    held = token(url)
    return _Bearer(held) if held else None
