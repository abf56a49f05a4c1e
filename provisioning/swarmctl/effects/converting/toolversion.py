"""What tells one set of tools from another: packages that write results, and our own programs; no image's ID."""

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import swarmctl
from swarmctl.effects import files, paths
from swarmctl.errors import HostError

PROGRAMS = Path(swarmctl.__file__).resolve().parent / "converter"
_QUERY = ("dpkg-query", "-W", "-f", "${Package} ${Version}\\n")
_MAKERS = (
    "llama.cpp-tools", "libllama", "libggml", "ggml", "python3-gguf", "python3-torch", "libtorch", "python3-numpy",
    "python3-transformers", "python3-tokenizers", "python3-safetensors", "python3-sentencepiece", "libsentencepiece",
)  # fmt: skip
"""Beginnings of names. What else an image holds may change without a result that changes."""
_LINE = re.compile(r"([a-z0-9][a-z0-9.+-]+) (\S{1,80})")

Run = Callable[[tuple[str, ...]], str]


def programs(folder: Path = PROGRAMS) -> str:
    """32 hexadecimal digits: hash of the names and bytes of our programs that convert, prove and fold."""
    content = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        data = path.read_bytes()
        content.update(f"{path.relative_to(folder).as_posix()}\n{len(data)}\n".encode() + data)
    return content.hexdigest()[:32]


def of_image(image: str, run: Run, folder: Path = PROGRAMS) -> str:
    """The version of the tools in an image, equal for images with equal tools; its ID where it does not tell.

    image: ID, "" where there is none, which gives "". run: gives what a command in the image prints, or raises
    HostError; asked once for each image.
    """
    if not image:
        return ""
    kept = paths.cache() / "converters" / f"{image.removeprefix('sha256:')[:64]}.json"
    known = files.read_json(kept)
    made_of = known.get("packages") if isinstance(known, dict) else None
    if not isinstance(made_of, list):
        try:
            made_of = makers(run(_QUERY))
        except HostError:
            return image
        paths.private(kept.parent)
        files.write_json(kept, {"packages": made_of})
    return version(made_of, programs(folder)) if made_of else image


def makers(listing: str) -> list[str]:
    """Packages with their versions, of those that results depend on; sorted."""
    found = (_LINE.fullmatch(line.strip()) for line in listing.splitlines())
    return sorted({one[0] for one in found if one is not None and one[1].startswith(_MAKERS)})


def version(made_of: Sequence[object], ours: str) -> str:
    """`llama.cpp 0.7.0+dfsg-2, 1f0c…`: for people first, and a hash of all of it."""
    lines = [str(one) for one in made_of]
    llama = next((line.partition(" ")[2].rpartition(":")[2] for line in lines if line.startswith("llama.cpp")), "?")
    digest = hashlib.sha256("\n".join([*lines, ours]).encode()).hexdigest()[:16]
    return f"llama.cpp {llama}, {digest}"
