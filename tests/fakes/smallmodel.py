"""A model file of a few MB that every test of a process reads and none changes."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from fakes.ggufs import Shape, write_model


@cache
def model() -> Path:
    """Real to whoever reads its header; gone when the tests have ended."""
    folder = Path(tempfile.mkdtemp(prefix="swarmctl-small-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return write_model(folder / "model.gguf", Shape(vocab=8192))
