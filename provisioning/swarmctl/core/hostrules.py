"""The firewall rules that close a host, and the world beyond it, to a swarm's bridge: their words, and finding them."""

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from swarmctl.errors import SwarmctlError

HOST, BEYOND = "INPUT", ("DOCKER-USER", "FORWARD")
"""Chains: of what is for the host itself, and of what passes through it (the first that is there)."""
_BRIDGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")
_SWARM = re.compile(r"[a-z][a-z0-9_-]{0,36}")
_COMMENT = "swarmctl:"
_QUOTED = re.compile(r"[\"'\\\\]")
_LONGEST = 4096
"""Letters of a rule; none of ours is near it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of a chain, as the words behind `-A CHAIN`."""

    chain: str
    words: tuple[str, ...]


def wanted(swarm: str, bridge: str, chains: Iterable[str]) -> tuple[Rule, ...]:
    """What nobody behind the bridge may do: begin to talk to the host, or through it. Answers pass.

    chains: those that are there. Raises SwarmctlError for a name that no interface or swarm has.
    """
    if not _BRIDGE.fullmatch(bridge) or not _SWARM.fullmatch(swarm):
        raise SwarmctlError(f"no rule can be written for the bridge {bridge[:40]!r} of the swarm {swarm[:40]!r}")
    known = set(chains)
    beyond = next(chain for chain in (*BEYOND, BEYOND[-1]) if chain in known or chain == BEYOND[-1])
    comment = ("-m", "comment", "--comment", f"{_COMMENT}{swarm}")
    end = (*comment, "-m", "conntrack", "--ctstate", "NEW", "-j", "DROP")
    return Rule(HOST, ("-i", bridge, *end)), Rule(beyond, ("-i", bridge, "!", "-o", bridge, *end))


def chains(listing: Iterable[str]) -> list[str]:
    """The chains in what `iptables -S` prints."""
    return [line.split()[1] for line in listing if line.startswith(("-N ", "-P "))]


def ours(listing: Iterable[str], swarm: str) -> list[Rule]:
    """Every rule of a swarm in a listing, found by its comment."""
    return [rule for rule in _rules(listing) if _after(rule.words, "--comment") == f"{_COMMENT}{swarm}"]


def stands(listing: Iterable[str], rule: Rule) -> bool:
    """The rule is there, and nothing before it in its chain lets the bridge through."""
    for found in _rules(listing):
        if found.chain != rule.chain:
            continue
        if same(found, rule):
            return True
        if _after(found.words, "-j") in {"ACCEPT", "RETURN"} and _meets(found.words, _after(rule.words, "-i")):
            return False
    return False


def same(one: Rule, other: Rule) -> bool:
    """Equal but for the order of their words, which a listing may change."""
    return one.chain == other.chain and sorted(one.words) == sorted(other.words)


def _meets(words: tuple[str, ...], bridge: str) -> bool:
    """A rule that a first packet from the bridge may meet."""
    place = words.index("-i") if "-i" in words else -1
    if place >= 0 and (words[place + 1] == bridge) == (place > 0 and words[place - 1] == "!"):
        return False
    return "NEW" in (_after(words, "--ctstate") or "NEW").split(",")


def _rules(listing: Iterable[str]) -> Iterator[Rule]:
    return (rule for line in listing if (rule := _rule(line)) is not None)


@lru_cache(maxsize=4096)
def _rule(line: str) -> Rule | None:
    """A listing is gone through once for each rule that is looked for."""
    if not line.startswith("-A ") or len(line) >= _LONGEST:
        return None
    try:
        words = shlex.split(line) if _QUOTED.search(line) else line.split()
    except ValueError:
        return None
    return Rule(words[1], tuple(words[2:])) if len(words) > 2 else None


def _after(words: tuple[str, ...], flag: str) -> str:
    place = words.index(flag) + 1 if flag in words else len(words)
    return words[place] if place < len(words) else ""
