"""Long arrays of a header are the same bytes as the gguf package's own."""

import enum
import subprocess
import sys
from pathlib import Path

import pytest

from swarmctl.converter.packing import packed

_WRITE = """
import sys, gguf
if sys.argv[2] == "ours":
    from swarmctl.converter.packing import install
    install()
w = gguf.GGUFWriter(sys.argv[1], "llama")
w.add_token_list([f"tok{i}é" if i % 3 else bytes([i % 256]) for i in range(500)])
w.add_token_types([gguf.TokenType.NORMAL if i % 2 else gguf.TokenType.CONTROL for i in range(500)])
w.add_token_scores([i / 7 for i in range(500)])
w.add_token_merges(["a b"])
w.add_array("x.bools", [True] * 200)
w.add_array("x.mixed", [1, True] * 100) if sys.argv[2] == "never" else None
w.add_array("x.bytes", b"bytes" * 50)
w.write_header_to_file(); w.write_kv_data_to_file(); w.close()
"""


def test_a_header_with_long_arrays_is_the_same_bytes(tmp_path: Path) -> None:
    for which in ("ours", "theirs"):
        subprocess.run([sys.executable, "-c", _WRITE, str(tmp_path / which), which], check=True)
    assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes()
    assert (tmp_path / "ours").stat().st_size > 9000


class _Kind(enum.IntEnum):
    ONE = 1


def test_what_is_not_plainly_of_one_kind_is_left_to_the_package() -> None:
    assert packed([1, 2.0]) is None
    assert packed([True, True]) is None
    assert packed(["a", 1]) is None
    assert packed([[1], [2]]) is None
    assert packed([_Kind.ONE, 1]) == packed([1, 1])


def test_a_number_that_does_not_fit_is_an_error_as_in_the_package() -> None:
    import struct

    with pytest.raises(struct.error):
        packed([1 << 40])
