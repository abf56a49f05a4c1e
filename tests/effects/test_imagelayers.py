"""Words are found in every layer of an image's archive: across pieces, packed or not, and what is unread is said."""

import gzip
import io
import tarfile

import pytest

from swarmctl.effects.imagelayers import searched

WORD = b"s3cr3t-canary-0123456789"


def archive(**files: bytes) -> bytes:
    """What `docker save` writes."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return raw.getvalue()


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[n : n + size] for n in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 7, 512, 10_000, 1 << 22])
def test_a_word_is_found_however_the_archive_is_cut(size: int) -> None:
    data = archive(layer=b"x" * 900 + WORD + b"y" * 900, other=b"z" * 100)
    found = searched(pieces(data, size), {"token": WORD, "other": b"nowhere-to-be-found-x"})
    assert found.found == (("token", "layer"),)
    assert found.size == 1800 + len(WORD) + 100


def test_a_word_across_two_pieces_of_a_layer() -> None:
    cut = (1 << 20) - 5
    found = searched([archive(layer=b"x" * cut + WORD + b"y" * 9)], {"token": WORD})
    assert found.found == (("token", "layer"),)


def test_packed_layers_are_unpacked_and_others_are_named() -> None:
    layer = archive(file=b"a" * 5000 + WORD)
    found = searched([archive(packed=gzip.compress(layer), strange=b"\x28\xb5\x2f\xfd" + WORD)], {"token": WORD})
    assert found.found == (("token", "packed"),)
    assert found.unread == ("strange",)


def test_nothing_to_look_for_and_nothing_to_look_in() -> None:
    assert searched([archive(layer=b"x")], {}).found == ()
    assert searched([archive()], {"token": WORD}).size == 0


@pytest.mark.parametrize("data", [b"", b"no archive at all", archive(layer=b"x" * 2000)[:700]])
def test_what_is_no_archive_is_an_error(data: bytes) -> None:
    with pytest.raises(tarfile.TarError):
        searched([data], {"token": WORD})
