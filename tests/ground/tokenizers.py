"""Tokenizers of well-known models, which small random ones are made with."""

import shutil
import subprocess

from fakes import realtokenizers
from ground.host import install
from ground.shell import GroundError


def ready() -> str | None:
    """What is there; None unless all are, as they are known."""
    there = all(realtokenizers.kept(name) for name in realtokenizers.PACKAGES)
    return f"{len(realtokenizers.PACKAGES)} tokenizers in {realtokenizers.KEPT}" if there else None


def make() -> None:
    """Fetches those that are missing. Raises GroundError where npm cannot give one."""
    if shutil.which("npm") is None:
        install("tokenizers", "npm")
    for name in realtokenizers.PACKAGES:
        try:
            realtokenizers.kept(name) or realtokenizers.fetch(name)
        except (OSError, subprocess.SubprocessError) as e:
            raise GroundError(f"no tokenizer {name}: {e}") from e
