"""Layers on their way to a real machine: those alone that it lacks, gone on with after a cut, never damaged."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fakes import handmade
from fakes.grounded import stands
from fakes.hosts import Host as Machine
from fakes.hosts import host
from swarmctl.core.hosts import NO_CONFIG, Host
from swarmctl.core.placed import BASE, Placed
from swarmctl.effects import imaging
from swarmctl.effects.bringing.depot import Depot, File
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.connections.distant import DistantConnection
from swarmctl.effects.hosts import layers
from swarmctl.effects.hosts.packing import Packed, packed
from swarmctl.errors import HostError

pytestmark = [pytest.mark.ground, pytest.mark.slow]
TAG = "swarmctl-test/layers:{}"
SMALL, LARGE = 20_000, 32 << 20
BY_CONTENT = """\
set -e
systemctl stop docker.socket docker containerd
mkdir -p /var/lib/docker/ctrd && cp -a /var/lib/containerd/. /var/lib/docker/ctrd/
mount --bind /var/lib/docker/ctrd /var/lib/containerd
sed -i 's/"features": {/"features": {"containerd-snapshotter": true, /' /etc/docker/daemon.json
systemctl start containerd docker
"""
"""Docker keeps its images in containerd from now on, as newer ones do where nobody says otherwise."""
Say = Callable[[str], None]


@pytest.fixture(scope="module")
def machine() -> Iterator[Machine]:
    stands("engine", "host-vm")
    with host("vm") as made:
        yield made


@pytest.fixture
def over(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DistantConnection]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    there = Host(
        "gpu1", "127.0.0.1", machine.port, key=str(machine.key), config=NO_CONFIG, known_hosts=str(tmp_path / "k")
    )
    fields = {name: getattr(there, name) for name in there.__slots__}
    made = DistantConnection("team", Placed(swarm="team", host=fields), tmp_path / "state", (), SystemClock())
    yield made
    made.close()


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Bytes of each file that travelled."""
    found, push = list[int](), Depot.push

    def counted(self: Depot, file: File, path: Path, watch: Callable[[int, int], None]) -> int:
        found.append(push(self, file, path, watch))
        return found[-1]

    monkeypatch.setattr(Depot, "push", counted)
    return found


@pytest.fixture
def made() -> Iterator[Callable[..., str]]:
    """Makes images here: their names."""
    tags: list[str] = []

    def make(*parts: bytes) -> str:
        tags.append(TAG.format(f"{len(tags)}-{handmade.digest(parts[-1])[:8]}"))
        handmade.image(tags[-1], *parts)
        return tags[-1]

    yield make
    handmade.remove(*tags)


def quiet(_: str) -> None:
    pass


def sizes(image: Packed) -> list[int]:
    return [one.file.size for one in image.layers]


def same(image: Packed, over: DistantConnection) -> bool:
    """Its Docker has the image, all of it: it can write it out again."""
    held = layers.held(over.ask)[imaging.here(over.ask)[image.reference].id]
    whole = over.shell.run(["sh", "-c", 'docker save "$1" | wc -c', "sh", image.reference], seconds=120).stdout
    return held == tuple(one.diff for one in image.layers) and int(whole) > LARGE


def nothing_is_left(over: DistantConnection) -> bool:
    folder = f"{BASE}/images"
    return over.shell.run(["find", folder, "-type", "f"], seconds=20).stdout == ""


def test_a_second_image_sends_its_own_layers_alone(
    made: Callable[..., str], over: DistantConnection, pushed: list[int]
) -> None:
    large, small = handmade.layer("large", LARGE), handmade.layer("one", SMALL)
    first, second = made(large, small), made(large, handmade.layer("two", SMALL))
    layers.send(first, quiet, over)
    assert pushed == sizes(packed(first, quiet))
    pushed.clear()
    layers.send(second, quiet, over)
    assert pushed == sizes(packed(second, quiet))[1:]
    assert sum(pushed) < 2 * SMALL
    assert all(same(packed(one, quiet), over) for one in (first, second))
    assert imaging.here(over.ask)[second].id == imaging.here()[second].id
    assert nothing_is_left(over)


def test_a_layer_that_was_cut_is_gone_on_with(
    made: Callable[..., str],
    over: DistantConnection,
    pushed: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tag, push = made(handmade.layer("large", LARGE)), Depot.push

    def cut(self: Depot, file: File, path: Path, watch: Callable[[int, int], None]) -> int:
        half = tmp_path / "half"
        half.write_bytes(path.read_bytes()[: file.size // 2])
        return push(self, file, half, watch)

    with monkeypatch.context() as breaking:
        breaking.setattr(Depot, "push", cut)
        with pytest.raises(HostError):
            layers.send(tag, quiet, over)
    (whole,) = sizes(packed(tag, quiet))
    store = over.images()
    assert store is not None
    assert store.look().parts == {packed(tag, quiet).layers[0].file.digest: whole // 2}
    pushed.clear()
    layers.send(tag, quiet, over)
    assert pushed == [whole - whole // 2]
    assert same(packed(tag, quiet), over)


def test_a_damaged_layer_is_found_by_its_hash_and_sent_again(
    made: Callable[..., str], over: DistantConnection, pushed: list[int]
) -> None:
    tag = made(handmade.layer("large", LARGE), handmade.layer("small", SMALL))
    image, store = packed(tag, quiet), over.images()
    assert store is not None
    spoil = 'mkdir -p "${1%/*}" && printf damaged | dd of="$1" bs=1 seek=1000 conv=notrunc status=none'
    large = image.layers[0]
    store.push(large.file, large.path, lambda *_: None)
    over.shell.run(["sh", "-c", spoil, "sh", store.place(large.file.digest)], seconds=20)
    pushed.clear()
    layers.send(tag, quiet, over)
    assert pushed == [0, image.layers[1].file.size, large.file.size, 0], "a whole file with other bytes"
    assert same(image, over)

    other = made(handmade.layer("other", LARGE))
    (only,) = packed(other, quiet).layers
    over.shell.run(["sh", "-c", spoil, "sh", f"{BASE}/images/incoming/{only.file.digest}"], seconds=20)
    pushed.clear()
    layers.send(other, quiet, over)
    assert pushed == [only.file.size], "the beginning of one that was cut"
    assert same(packed(other, quiet), over)
    assert nothing_is_left(over)


def test_docker_that_needs_all_layers_is_given_those_that_it_has(
    machine: Machine,
    made: Callable[..., str],
    over: DistantConnection,
    pushed: list[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine.ssh(["sh", "-c", BY_CONTENT])
    assert layers.keeps_archives(over.ask("/info"))
    large = handmade.layer("large", LARGE)
    first, second, third = (made(large, handmade.layer(name, SMALL)) for name in ("one", "two", "three"))
    layers.send(first, quiet, over)
    pushed.clear()
    layers.send(second, quiet, over)
    assert pushed == sizes(packed(second, quiet))[1:]
    assert all(same(packed(one, quiet), over) for one in (first, second))
    assert nothing_is_left(over)

    pushed.clear()
    said: list[str] = []
    monkeypatch.setattr(layers, "keeps_archives", lambda _: False)  # whoever says so is wrong here
    layers.send(third, said.append, over)
    assert pushed == [*sizes(packed(third, quiet))[1:], *sizes(packed(third, quiet))[:1], 0], "whole, after a refusal"
    assert same(packed(third, quiet), over)
