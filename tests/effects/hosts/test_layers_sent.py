"""What of an image travels to which Docker, and what is done after a refusal; the other machine is a folder here."""

import gzip
import hashlib
import json
import os
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from fakes.depots import Near
from swarmctl.effects import process
from swarmctl.effects.bringing.depot import Depot, File
from swarmctl.effects.hosts import layers
from swarmctl.effects.hosts.packing import Layer, Packed
from swarmctl.effects.process import Completed
from swarmctl.errors import DeployError, HostError

DOCKER = """\
#!/bin/sh
case "$1" in
  load)
    echo x >> "$SHELF/loads"; cat > "$SHELF/loaded.tar"
    if [ "$(wc -l < "$SHELF/loads")" -le "$(cat "$SHELF/refusals")" ]; then cat "$SHELF/why"; exit 1; fi;;
  save) cp "$SHELF/donor.tar" "$3";;
esac
"""
BY_CONTENT = {"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}


class Over:
    """A machine whose folder lies here. held: unpacked layers of its images by ID. refuses: times, and why."""

    name = "gpu1"

    def __init__(self, folder: Path) -> None:
        self.folder, self.held, self.info = folder, dict[str, tuple[str, ...]](), dict[str, Any]()
        self.orders, self.gone = list[dict[str, Any]](), set[str]()
        program = folder / "bin" / "docker"
        program.parent.mkdir()
        program.write_text(DOCKER)
        program.chmod(0o755)
        self.env = {**os.environ, "PATH": f"{program.parent}:{os.environ['PATH']}", "SHELF": str(folder)}
        self.refuse(0)
        self.shell = self

    def refuse(self, times: int, why: str = "layer not found") -> None:
        (self.folder / "refusals").write_text(f"{times}\n")
        (self.folder / "why").write_text(why)

    def ask(self, path: str, **_: Any) -> Any:
        if path == "/info":
            return self.info
        if path == "/images/json":
            return [{"Id": one} for one in self.held]
        one = path.split("/")[2]
        if one in self.gone:
            raise HostError("gpu1: its Docker answers 404")
        return {"RootFS": {"Layers": list(self.held[one])}}

    def images(self) -> Depot:
        return Depot(Near(), self.name, str(self.folder / "images"), f"{os.geteuid()}:{os.getegid()}", "layer")

    def follow(
        self, argv: Sequence[str], tell: Callable[[str], None], *, seconds: float, source: Path | None = None
    ) -> Completed:
        assert source is not None
        self.orders.append(json.loads(source.read_bytes().splitlines()[-1]))
        return process.follow(argv, tell, env=self.env, source=source, timeout=seconds)

    def loaded(self) -> set[str]:
        """Names in the archive that its Docker was last given."""
        with tarfile.open(self.folder / "loaded.tar") as archive:
            return set(archive.getnames())


@pytest.fixture
def image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packed:
    """Three layers, packed here."""
    made = []
    for text in ("base", "middle", "top"):
        data = text.encode() * 1000
        path = tmp_path / text
        path.write_bytes(gzip.compress(data, mtime=0))
        file = File(hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
        made.append(Layer(f"sha256:{hashlib.sha256(data).hexdigest()}", path, file))
    found = Packed("a:1", json.dumps({"rootfs": {"diff_ids": [one.diff for one in made]}}), tuple(made))
    monkeypatch.setattr(layers, "packed", lambda reference, tell: found)
    return found


@pytest.fixture
def over(tmp_path: Path) -> Any:
    (tmp_path / "there").mkdir()
    return Over(tmp_path / "there")


def names(image: Packed) -> list[str]:
    return [f"{one.diff[7:]}.tar" for one in image.layers]


def sent(said: Sequence[str]) -> list[str]:
    return [line for line in said if "MiB of" in line]


def test_nothing_there_everything_goes(image: Packed, over: Any) -> None:
    said: list[str] = []
    layers.send("a:1", said.append, over)
    assert set(names(image)) < over.loaded()
    (line,) = sent(said)
    assert line == "sending 0.0 MiB of a:1 to gpu1"
    assert over.images().look().whole == frozenset()


def test_what_is_there_is_named_and_does_not_go(image: Packed, over: Any) -> None:
    over.held = {"sha256:x": tuple(one.diff for one in image.layers[:2])}
    said: list[str] = []
    layers.send("a:1", said.append, over)
    assert over.loaded() & set(names(image)) == {names(image)[2]}
    assert sent(said)[0].endswith("; it has 2 of 3 layers")
    over.held = {"sha256:x": tuple(one.diff for one in image.layers)}
    said.clear()
    layers.send("a:1", said.append, over)
    assert sent(said) == [], "another name of what it has"


def test_an_image_that_goes_meanwhile_has_nothing_to_give(image: Packed, over: Any) -> None:
    both = tuple(one.diff for one in image.layers[:2])
    over.held, over.gone = {"sha256:x": both[:1], "sha256:y": both}, {"sha256:y"}
    layers.send("a:1", str, over)
    assert over.loaded() & set(names(image)) == set(names(image)[1:])


def test_a_docker_that_refuses_is_sent_all_once(image: Packed, over: Any) -> None:
    over.held = {"sha256:x": tuple(one.diff for one in image.layers[:2])}
    over.refuse(1)
    layers.send("a:1", str, over)
    assert set(names(image)) < over.loaded()
    over.refuse(9)
    with pytest.raises(DeployError, match="a:1 cannot be loaded on gpu1") as caught:
        layers.send("a:1", str, over)
    assert "layer not found" in caught.value.detail
    assert len(over.orders) == 4, "twice, and twice"


def test_a_full_disk_is_not_sent_more(image: Packed, over: Any) -> None:
    over.held = {"sha256:x": tuple(one.diff for one in image.layers[:2])}
    over.refuse(9, "write /var: no space left on device")
    with pytest.raises(DeployError, match="there is no space left"):
        layers.send("a:1", str, over)
    assert len(over.orders) == 1


def test_a_store_that_keeps_archives_is_given_its_own_layers(image: Packed, over: Any) -> None:
    over.held, over.info = {"sha256:x": tuple(one.diff for one in image.layers[:2])}, BY_CONTENT
    _donor(over.folder, {one.diff: one.path.read_bytes() for one in image.layers[:2]})
    layers.send("a:1", str, over)
    assert [order["donor"] for order in over.orders] == ["sha256:x"]
    assert set(names(image)) < over.loaded()

    (over.folder / "donor.tar").write_bytes(b"")
    layers.send("a:1", str, over)
    assert [order["donor"] for order in over.orders[1:]] == ["sha256:x", ""], "what it cannot give is sent"


def test_a_layer_that_lies_damaged_here_is_packed_again(
    image: Packed, over: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    top = image.layers[2].path
    right = top.read_bytes()
    top.write_bytes(right[:-1] + b"x")
    asked = []

    def packed(reference: str, _: object) -> Packed:
        asked.append(reference)
        if not top.exists():
            top.write_bytes(right)
        return image

    monkeypatch.setattr(layers, "packed", packed)
    layers.send("a:1", str, over)
    assert asked == ["a:1", "a:1"]
    assert set(names(image)) < over.loaded()


def _donor(folder: Path, given: Mapping[str, bytes]) -> None:
    with tarfile.open(folder / "donor.tar", "w") as archive:
        for name, data in {
            **{diff[7:20]: data for diff, data in given.items()},
            "c": json.dumps({"rootfs": {"diff_ids": list(given)}}).encode(),
            "manifest.json": json.dumps([{"Config": "c", "Layers": [diff[7:20] for diff in given]}]).encode(),
        }.items():
            path = folder / "piece"
            path.write_bytes(data)
            archive.add(path, name)
