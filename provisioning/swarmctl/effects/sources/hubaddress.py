"""Where a model hub's files are, and the token that opens them."""

import ipaddress
import os
from pathlib import Path
from urllib.parse import quote, urlsplit

from swarmctl.core.spec import ModelSource

_HUB = "https://huggingface.co"


def address(source: ModelSource) -> str:
    """The address of a hub file; HF_ENDPOINT names another hub that speaks the same."""
    hub = (os.environ.get("HF_ENDPOINT") or _HUB).rstrip("/")
    return f"{hub}/{source.hf}/resolve/{quote(source.revision, safe='')}/{quote(str(source.file))}"


def token(url: str) -> str:
    """The user's token for this hub, a secret, where the way to it is encrypted or inside this machine; else empty.

    From HF_TOKEN, or the file where the hub's own client keeps it.
    """
    held = os.environ.get("HF_TOKEN", "").strip() or _kept()
    return held if held and _private(url) else ""


def is_loopback(url: str) -> bool:
    """It means whatever machine it is asked from, so that another one would ask itself."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _kept() -> str:
    home = os.environ.get("HF_HOME") or str(Path.home() / ".cache" / "huggingface")
    try:
        return (Path(home) / "token").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def _private(url: str) -> bool:
    return urlsplit(url).scheme == "https" or is_loopback(url)
