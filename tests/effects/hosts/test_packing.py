"""Layers of an image as files here: packed once, the same bytes again, and gone when no image needs them."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from swarmctl.effects import imaging
from swarmctl.effects.hosts import packing
from swarmctl.effects.hosts.packing import Packed, packed, sound
from swarmctl.errors import DeployError

BASE, ONE, TWO = b"base" * 5000, b"one" * 5000, b"two" * 5000


class Docker:
    """This machine's: what `save` writes. saves: how often it was asked."""

    def __init__(self) -> None:
        self.layers: dict[str, tuple[bytes, ...]] = {}
        self.pack: Callable[[bytes], bytes] = bytes
        self.saves = 0

    def here(self, _: object) -> dict[str, imaging.Here]:
        return {tag: imaging.Here(f"sha256:{self._digest(b''.join(parts))}") for tag, parts in self.layers.items()}

    def run(self, argv: tuple[str, ...], **_: Any) -> None:
        self.saves += 1
        (_, _, _, place, tag) = argv
        diffs = [f"sha256:{self._digest(part)}" for part in self.layers[tag]]
        files = {f"blobs/{self._digest(part)}": self.pack(part) for part in self.layers[tag]}
        listed = [{"Config": "c.json", "RepoTags": [tag], "Layers": [f"blobs/{one[7:]}" for one in diffs]}]
        files |= {"c.json": json.dumps({"rootfs": {"diff_ids": diffs}}).encode()}
        write(Path(place), {**files, "manifest.json": json.dumps(listed).encode()})

    @staticmethod
    def _digest(data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()


def write(place: Path, members: Mapping[str, bytes]) -> None:
    with tarfile.open(place, "w") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = Docker()
    monkeypatch.setattr(imaging, "here", made.here)
    monkeypatch.setattr(packing, "asking", lambda: None)
    monkeypatch.setattr(packing, "run", made.run)
    return made


def content(image: Packed) -> list[bytes]:
    return [gzip.decompress(one.path.read_bytes()) for one in image.layers]


def test_layers_are_packed_once_and_shared(docker: Docker, tmp_path: Path) -> None:
    docker.layers = {"a:1": (BASE, ONE), "b:1": (BASE, TWO)}
    first, second = packed("a:1", str), packed("b:1", str)
    assert content(first) == [BASE, ONE]
    assert content(second) == [BASE, TWO]
    assert first.layers[0] == second.layers[0]
    assert all(sound(one) for one in (*first.layers, *second.layers))
    assert packed("a:1", str) == first
    assert docker.saves == 2
    assert [one["rootfs"]["diff_ids"] for one in (json.loads(first.config),)] == [[one.diff for one in first.layers]]


def test_an_image_that_was_built_anew_leaves_nothing_of_the_old_one(docker: Docker, tmp_path: Path) -> None:
    docker.layers = {"a:1": (BASE, ONE)}
    (old,) = packed("a:1", str).layers[1:]
    leftover = tmp_path / "cache" / "swarmctl" / "images" / "a-1@0.tar.gz"
    leftover.write_bytes(b"of an earlier version")
    docker.layers = {"a:1": (BASE, TWO)}
    image = packed("a:1", str)
    assert content(image) == [BASE, TWO]
    assert not old.path.exists()
    assert not leftover.exists()


def test_the_same_layer_is_the_same_bytes_on_another_day(docker: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    docker.layers = {"a:1": (BASE,)}
    first = packed("a:1", str).layers[0]
    first.path.unlink()
    monkeypatch.setattr("gzip.time.time", lambda: 1e9)
    assert packed("a:1", str).layers[0] == first
    assert docker.saves == 2


def test_what_is_packed_already_stays_as_it_is(docker: Docker) -> None:
    docker.pack = lambda data: gzip.compress(data, 9, mtime=1)
    docker.layers = {"a:1": (BASE,)}
    assert packed("a:1", str).layers[0].path.read_bytes() == gzip.compress(BASE, 9, mtime=1)


def test_a_damaged_file_is_seen_and_goes(docker: Docker) -> None:
    docker.layers = {"a:1": (BASE,)}
    (layer,) = packed("a:1", str).layers
    layer.path.write_bytes(layer.path.read_bytes()[:-1] + b"x")
    assert not sound(layer)
    assert content(packed("a:1", str)) == [BASE]


def test_an_image_that_is_not_here_is_said(docker: Docker) -> None:
    with pytest.raises(DeployError, match="a:1 is not here any more"):
        packed("a:1", str)


@pytest.mark.parametrize(
    "members",
    [{}, {"manifest.json": b"[]"}, {"manifest.json": b'[{"Config": "c", "Layers": ["x"]}]'},
     {"manifest.json": b'[{"Config": "c", "Layers": []}]', "c": b'{"rootfs": {"diff_ids": ["sha256:x"]}}'}],
)  # fmt: skip
def test_an_archive_that_is_none_is_said_and_leaves_nothing(
    docker: Docker, members: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker.layers = {"a:1": (BASE,)}
    monkeypatch.setattr(packing, "run", lambda argv, **_: write(Path(argv[3]), members))
    with pytest.raises(DeployError, match="a:1 cannot be written out"):
        packed("a:1", str)
    folder = tmp_path / "cache" / "swarmctl" / "images"
    assert sorted(path.name for path in folder.iterdir()) == ["layers", "lock"]


def test_a_note_that_is_broken_is_written_again(docker: Docker, tmp_path: Path) -> None:
    docker.layers = {"a:1": (BASE,)}
    packed("a:1", str)
    (note,) = (tmp_path / "cache" / "swarmctl" / "images").glob("*.json")
    for text in ("{", "[]", '{"layers": 3}', '{"layers": [{"diff": "x"}], "config": ""}'):
        note.write_text(text)
        assert content(packed("a:1", str)) == [BASE]
