"""What a llama-server says of the devices that it can use."""

import re

_ROW = re.compile(r"[ \t]+([A-Za-z]{1,20}\d{1,3}): (\S.{0,200}?) \(\d{1,9} MiB, \d{1,9} MiB free\)")


def devices(said: str) -> tuple[str, ...]:
    """Each as it names it, `CUDA0 (NVIDIA A100-SXM4-80GB)`, from what `llama-server --list-devices` prints."""
    found = (_ROW.fullmatch(line.rstrip()) for line in said.splitlines())
    return tuple(f"{row[1]} ({row[2]})" for row in found if row)
