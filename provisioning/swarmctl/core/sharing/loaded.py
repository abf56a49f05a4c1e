"""Whether a llama-server holds the adapters that it should, silent until they are asked for."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any


def wrong(listed: Any, adapters: Sequence[str]) -> list[str]:
    """What is not as it should be in the answer of `GET /lora-adapters`. adapters: file names in the order of ids.

    Ids are places on the command line: another order is another model under each name.
    """
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    names = [PurePosixPath(str(row.get("path"))).name for row in rows]
    if names != list(adapters):
        return [f"its adapters are {', '.join(names) or 'none'}, not {', '.join(adapters) or 'none'}"]
    loud = [name for name, row in zip(names, rows, strict=True) if row.get("scale") != 0]
    return [f"{name} is scaled without being asked for: start it with --lora-scaled {name}:0" for name in loud]
