"""What of a file's slots cannot be: found at once, each with its place in the file."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from swarmctl.core.parts.names import RESERVED
from swarmctl.core.parts.split import homes
from swarmctl.core.spec import SwarmSpec
from swarmctl.core.strictfile import Book, did_you_mean

if TYPE_CHECKING:
    from swarmctl.core.yamltree import Mistake

MOST = 8
"""Slots that one swarm may have."""


def mistakes(spec: SwarmSpec, book: Book) -> "Iterator[Mistake]":
    """None for a swarm on one host that names no slot."""
    slots = spec.target.slots
    for name, role in spec.roles.items():
        if role.slot is not None and role.slot not in slots:
            said = did_you_mean(role.slot, slots) if slots else "; there are none: target: {slots: {…}}"
            yield book.mistake(("roles", name, "slot"), f"{role.slot!r} is not in target.slots{said}")
        if slots and role.optional:
            said = "a swarm over several hosts has no optional roles: its orchestrator must know whom it has"
            yield book.mistake(("roles", name, "optional"), said)
    if slots:
        yield from _slots(spec, book)
    if spec.agents == "here":
        yield from _agents_here(spec, book)


def _agents_here(spec: SwarmSpec, book: Book) -> "Iterator[Mistake]":
    """What agents here must know of engines there is known before these are placed."""
    if spec.target.is_here or spec.target.slots:
        yield book.mistake(("agents",), "here: where models are on one other machine: target: {ssh: …} or {vast: …}")
    if spec.runtime != "compose":
        yield book.mistake(("runtime",), "agents: here runs in containers: runtime: compose")
    if spec.placement.architecture not in {"auto", "separate"}:
        said = f"{spec.placement.architecture} with agents: here; separate is what that goes with"
        yield book.mistake(("placement", "architecture"), said)
    if lost := [what for what in ("context", "roles") if what in spec.placement.give]:
        yield book.mistake(("placement", "give"), f"{' and '.join(lost)} cannot give way with agents: here")
    for name, role in spec.roles.items():
        if role.optional:
            yield book.mistake(("roles", name, "optional"), "agents: here has no optional roles")


def _slots(spec: SwarmSpec, book: Book) -> "Iterator[Mistake]":
    slots, where = spec.target.slots, ("target", "slots")
    if not 2 <= len(slots) <= MOST:
        yield book.mistake(where, f"{len(slots)} of them: 2 to {MOST}; one host needs no slots")
    if spec.runtime != "compose":
        yield book.mistake(("runtime",), "a swarm over several hosts runs in containers: runtime: compose")
    if RESERVED in slots:
        yield book.mistake((*where, RESERVED), f"no slot can be called {RESERVED!r}", at_key=True)
    for name in sorted(set(slots) - set(homes(spec).values())):
        yield book.mistake((*where, name), "no role is in it: roles: {…: {slot: " + name + "}}")
    seen: dict[str, str] = {}
    for name, place in slots.items():
        machine = "this machine" if place.is_here else place.ssh.hosts[0] if place.ssh else ""
        if machine and (other := seen.setdefault(machine, name)) != name:
            yield book.mistake((*where, name), f"{machine} is slot {other!r} already")
