"""What a rented machine is doing, decided from the raw fields of the market; no field is believed to be sane."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any


class LeaseState(StrEnum):
    """The states that a machine can be in, as we count them."""

    SCHEDULING = "scheduling"
    CREATED = "created"
    LOADING = "loading"
    RUNNING = "running"
    REBOOTING = "rebooting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FROZEN = "frozen"
    OUTBID = "outbid"
    FAILED = "failed"
    EXITED = "exited"
    OFFLINE = "offline"
    SILENT = "silent"
    UNKNOWN = "unknown"

    @property
    def coming(self) -> bool:
        """It may still become usable without being touched."""
        return self in _COMING

    @property
    def over(self) -> bool:
        """It never runs again by itself, whoever waits."""
        return self in _OVER

    @property
    def lost(self) -> bool:
        """Nobody hears of it: it may return, so the wait for it is bounded and not zero."""
        return self in {LeaseState.OFFLINE, LeaseState.SILENT, LeaseState.UNKNOWN}

    @property
    def computes(self) -> bool:
        """The card is charged for; the disk is in every state."""
        return self not in _STILL


_COMING = {LeaseState.SCHEDULING, LeaseState.CREATED, LeaseState.LOADING, LeaseState.REBOOTING}
_OVER = {LeaseState.STOPPED, LeaseState.FROZEN, LeaseState.OUTBID, LeaseState.FAILED, LeaseState.EXITED}
_STILL = {LeaseState.STOPPED, LeaseState.OUTBID, LeaseState.FROZEN}

OCI = ": OCI runtime create failed:"
"""How the market says that a container cannot start on a machine."""

_PLAIN = {
    "created": LeaseState.CREATED,
    "loading": LeaseState.LOADING,
    "running": LeaseState.RUNNING,
    "rebooting": LeaseState.REBOOTING,
    "stopped": LeaseState.STOPPED,
    "frozen": LeaseState.FROZEN,
    "exited": LeaseState.EXITED,
    "offline": LeaseState.OFFLINE,
    "unknown": LeaseState.SILENT,
}


def state_of(raw: Mapping[str, Any]) -> LeaseState:
    """The state that the fields of an instance mean; UNKNOWN for what nobody has described."""
    actual = raw.get("actual_status")
    cur, meant, coming = (raw.get(key) for key in ("cur_state", "intended_status", "next_state"))
    if raw.get("is_bid") is True and cur == meant == coming == "stopped":
        return LeaseState.OUTBID
    if "actual_status" not in raw:
        return LeaseState.UNKNOWN
    if actual is None:
        return LeaseState.STOPPED if meant == "stopped" else LeaseState.SCHEDULING
    found = _PLAIN.get(actual, LeaseState.UNKNOWN) if isinstance(actual, str) else LeaseState.UNKNOWN
    text = raw.get("status_msg")
    if found is LeaseState.CREATED and isinstance(text, str) and OCI in text:
        return LeaseState.FAILED
    if found is LeaseState.RUNNING and meant == "stopped":
        return LeaseState.STOPPING
    return found
