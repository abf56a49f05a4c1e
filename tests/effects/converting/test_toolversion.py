"""What is part of every key: the tools by version and our programs by their bytes, and no image's ID."""

import shutil
from pathlib import Path

import pytest

from swarmctl.effects.converting.toolversion import PROGRAMS, makers, of_image, programs
from swarmctl.errors import HostError

LISTING = """adduser 3.153
libc6 2.42-5
libggml0 0.27.0-1
llama.cpp-tools 1:0.7.0+dfsg-2
python3-gguf 1:0.7.0+dfsg-2
python3-torch 2.14.1+dfsg-1
"""
ONE, OTHER = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


class Image:
    """An image that says which packages it has."""

    def __init__(self, listing: str) -> None:
        self.listing, self.asked = listing, 0

    def __call__(self, _query: tuple[str, ...]) -> str:
        self.asked += 1
        return self.listing


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "swarmctl" / "converters"


def test_an_image_that_was_built_anew_of_equal_tools_is_the_same_to_every_key() -> None:
    first, again = of_image(ONE, Image(LISTING)), of_image(OTHER, Image(LISTING))
    assert first == again
    assert first.startswith("llama.cpp 0.7.0+dfsg-2, ")
    patched = LISTING.replace("libc6 2.42-5", "libc6 2.42-6")
    assert of_image(f"sha256:{'3' * 64}", Image(patched)) == first, "what no result depends on"


@pytest.mark.parametrize("changed", ["libggml0 0.27.0-1", "llama.cpp-tools 1:0.7.0+dfsg-2", "python3-torch 2.14.1"])
def test_another_version_of_a_tool_makes_other_results(changed: str) -> None:
    assert of_image(ONE, Image(LISTING)) != of_image(OTHER, Image(LISTING.replace(changed, f"{changed}1")))


def test_a_program_of_ours_that_changed_makes_other_results(tmp_path: Path) -> None:
    ours = shutil.copytree(PROGRAMS, tmp_path / "converter", ignore=shutil.ignore_patterns("__pycache__"))
    before = of_image(ONE, Image(LISTING), ours)
    assert before == of_image(ONE, Image(LISTING))
    (ours / "__pycache__").mkdir()
    (ours / "__pycache__" / "serve.cpython-311.pyc").write_bytes(b"x")
    assert programs(ours) == programs()
    with (ours / "merge.py").open("a", encoding="utf-8") as file:
        file.write("# another\n")
    assert of_image(ONE, Image(LISTING), ours) != before
    (ours / "merge.py").rename(ours / "merging.py")
    assert programs(ours) != programs()


def test_an_image_is_asked_once(cache: Path) -> None:
    image = Image(LISTING)
    assert of_image(ONE, image) == of_image(ONE, image)
    assert image.asked == 1
    for path in cache.iterdir():
        path.write_text('{"packages": 7}')
    assert of_image(ONE, image) == of_image(OTHER, image)
    assert image.asked == 3


def test_an_image_that_does_not_tell_stands_for_itself_and_is_asked_again() -> None:
    def broken(_query: tuple[str, ...]) -> str:
        raise HostError("no dpkg-query")

    assert of_image(ONE, broken) == ONE
    assert of_image(OTHER, Image("nothing of use\n\n=\n")) == OTHER
    assert of_image(ONE, Image(LISTING)).startswith("llama.cpp")
    assert of_image("", broken) == ""


def test_only_what_results_depend_on_counts() -> None:
    assert makers(LISTING + "python3-numpy-dev\nx\n") == [
        "libggml0 0.27.0-1", "llama.cpp-tools 1:0.7.0+dfsg-2", "python3-gguf 1:0.7.0+dfsg-2",
        "python3-torch 2.14.1+dfsg-1",
    ]  # fmt: skip
