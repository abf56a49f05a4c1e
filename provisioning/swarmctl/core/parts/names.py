"""What the part of a swarm on one host is called: it is a swarm of its own underneath."""

from swarmctl.core.trialname import TRIAL, tried

MARK = "_"
"""No swarm file can have a name with one, nor a slot."""
RESERVED = TRIAL
"""No slot is called so: a swarm's trial has that end."""


def part_name(swarm: str, slot: str) -> str:
    """`team_cards` for slot `cards` of swarm `team`."""
    return f"{swarm}{MARK}{slot}"


def whole(name: str) -> tuple[str, str] | None:
    """Swarm and slot of a part, or of its trial; None for a swarm that is no part."""
    swarm, mark, slot = tried(name).partition(MARK)
    return (swarm, slot) if mark and swarm and slot else None
