"""The closing table of a long `up`: what each part took, what went on beside it, and the longest way through."""

from swarmctl.console import Console
from swarmctl.core.chain import Chain

_SHORTEST = 0.05
"""Seconds under which a part is not worth a line."""


def show_chain(console: Console, chain: Chain) -> None:
    """On stderr; `*` marks the parts of the longest way."""
    links = [link for link in chain.links if link.seconds >= _SHORTEST]
    rows = [
        [
            "*" if link.critical else "",
            link.part,
            round(link.seconds, 1),
            round(link.begun, 1),
            round(link.ended, 1),
            ", ".join(link.beside),
        ]
        for link in links
    ]
    console.say(console.table(["", "part", "s", "from", "to", "beside"], rows))
    way = " → ".join(link.part for link in links if link.critical)
    console.say(f"critical path {chain.critical:.1f} s of {chain.whole:.1f} s ({chain.ratio:.2f} x): {way}")
