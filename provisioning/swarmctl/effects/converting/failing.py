"""Why a step failed, in words: the disk is full, the memory was not enough, or what the tool itself said."""

import re
from collections.abc import Mapping
from typing import Any

from swarmctl.core.converting.graph import Group, Node
from swarmctl.core.units import as_size
from swarmctl.errors import DeployError, HostError, SpecError, SwarmctlError

_KILLED = 137
_FULL = re.compile(
    r"No space left on device|Errno 28|Disk quota exceeded|Errno 122"
    r"|Not enough free space|\d+ requested and \d+ written"
)
"""As the system says it, and as numpy does."""
_LEFT = 8 << 20
"""Bytes; with less than this free a step that could not write had no room."""
_TOKENIZER = "BPE pre-tokenizer was not recognized"
_NUMBERS = re.compile(r"found (?:nan|inf) value|quantized data validation failed")
_MIB = 1 << 20
_MERGED = "merge it with the tools that it was trained with, and convert the folder that they save"


def failure(node: Node, group: Group, event: Mapping[str, Any], free: int | None, memory: int) -> SwarmctlError:
    """The error for a step that ended badly. free: bytes of the disk, None where nobody knows. memory: MiB that the
    tools had together.
    """
    name, log = group.source.asked.name, "\n".join(str(line) for line in event.get("log", ())[-12:])
    doing = f"{name}: {node.step}{f' to {node.label}' if node.label else ''}"
    if event.get("oom") or event.get("ended") in {-9, _KILLED}:
        return memory_error(doing, memory, log)
    if (said := event.get("said", {})).get("event") == "refused":
        return SpecError(f"{name} cannot be merged into its base: {str(said.get('why'))[:1000]}", hint=_MERGED)
    if _FULL.search(log) or ("iostream error" in log and _tight(free)):
        return HostError(
            f"{doing} ran out of disk; its space was given back",
            detail="" if free is None else f"{as_size(free / _MIB)} are free now",
            hint="swarmctl models prune; then the same line again, which goes on where this ended",
        )
    if _NUMBERS.search(log):
        return SpecError(
            f"{doing} failed: the weights hold values that are no numbers",
            detail=log,
            hint="fetch or train the model again: no quantisation can mend it",
        )
    if _TOKENIZER in log:
        return SpecError(
            f"{doing} failed: llama.cpp does not know this tokenizer",
            detail=log,
            hint="put the base model's own tokenizer.json and tokenizer_config.json into the folder",
        )
    return DeployError(f"{doing} failed (exit {event.get('ended')})", detail=log, hint="swarmctl convert --plan")


def gone(code: int, memory: int, said: str) -> SwarmctlError:
    """The error when all tools ended at once."""
    if code in {-9, _KILLED}:
        return memory_error("the tools were ended", memory, said)
    return HostError(f"the tools ended (exit {code}) before their work was done", detail=said, hint="swarmctl doctor")


def memory_error(doing: str, memory: int, log: str) -> HostError:
    """The kernel ended a process for its memory."""
    return HostError(
        f"{doing} took more memory than it may: {as_size(memory)} for all steps at once",
        detail=log,
        hint="--memory with more, where the machine has it; or a ready GGUF of this model",
    )


def _tight(free: int | None) -> bool:
    return free is not None and free < _LEFT
