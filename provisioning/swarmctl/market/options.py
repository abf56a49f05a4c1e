"""The command line of `swarmctl-market`."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path

from swarmctl.market.catalogue import ASSUMPTIONS
from swarmctl.market.hosts.recipe import Images

_IMAGES = Images()


def parser() -> argparse.ArgumentParser:
    """Every option, with its default."""
    told = argparse.ArgumentParser(
        "swarmctl-market",
        description="A rental market to practise on. It speaks Vast.ai's protocol on loopback and costs no money.",
        epilog="When it is ready it prints one line of JSON: the url and the key that vastai and swarmctl take as "
        "VAST_URL and VAST_API_KEY, and the key of /_market/, its control surface.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = told.add_argument
    add("--port", type=_whole(0, 65535), default=0, help="where to listen; 0 takes a free one")
    add("--state", default=":memory:", metavar="FILE", help="SQLite file that outlives it")
    add("--seed", type=_whole(0, 1 << 53), default=1, help="of the machines, phases and faults")
    add("--hosts", choices=("none", "docker"), default="none", help="what a rental is: nothing, or a container")
    add("--faults", default="", metavar="SPEC", help="what goes wrong: name:option:option=value,…")
    add("--clock", choices=("real", "driven"), default="real", help="driven: stands still until /_market/advance")
    add("--limits", choices=("real", "off"), default="real", help="whether calls must keep their distance")
    add("--pace", type=_amount(0.0001, 1000), default=1.0, help="how long starting takes, as a part of the usual")
    add("--credit", type=_amount(0, 1e9), default=100.0, help="dollars in the account at first")
    add("--machines", type=_whole(1, 20_000), default=300, help="how many there are")
    names = "; ".join(f"{one.name}={'|'.join(one.values)}" for one in ASSUMPTIONS)
    add("--assume", action="append", default=[], metavar="NAME=VALUE", help=f"what only the real one can tell: {names}")
    add("--vm-image", default=_IMAGES.vm, help="what a VM is made of")
    add("--container-image", default=_IMAGES.container, help="what a container is made of")
    add("--overlay", type=Path, metavar="DIR", help="files laid over those of every rental")
    add("--volume", action="append", default=[], metavar="A:B", help="mounted into every rental, as docker takes it")
    return told


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or len(text) > 20 or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number from {low} to {high}")
        return int(text)

    return read


def _amount(low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number from {low:g} to {high:g}")
        return number

    return read
