"""Headers by range requests, against a hub on loopback."""

import json
import struct
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.configs import CONFIGS
from fakes.holes import write
from fakes.hub import Hub
from fakes.published import names
from swarmctl.core.architectures import from_config
from swarmctl.effects.gguf import read_gguf
from swarmctl.effects.remote import MOST, remote_config, remote_gguf, remote_tensors
from swarmctl.errors import HostError, SpecError

NAME = "smollm2-135m"


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        yield server


@pytest.fixture
def gguf(hub: Hub, tmp_path: Path) -> Path:
    """A file of 256 MiB, of which the hub has only the first two; its header says all."""
    path = write(tmp_path / "m.gguf", from_config(CONFIGS[NAME], NAME), tokens=True)
    with path.open("rb") as file:
        hub.files["/m.gguf"] = file.read(4 << 20)
    hub.claimed = path.stat().st_size
    return path


def fetched(hub: Hub) -> int:
    """Bytes that were asked for."""
    spans = [request["range"].removeprefix("bytes=").split("-") for request in hub.seen]
    return sum(int(last) - int(first) + 1 for first, last in spans)


def test_a_remote_file_says_what_the_local_one_says(hub: Hub, gguf: Path) -> None:
    assert remote_gguf(f"{hub.url}/m.gguf") == read_gguf(gguf)
    assert fetched(hub) <= 4 << 20 < gguf.stat().st_size


def test_a_remote_header_of_safetensors_and_an_index(hub: Hub) -> None:
    listed = {name: {"dtype": t.kind, "shape": t.shape} for name, t in names(NAME).items()}
    raw = json.dumps(listed).encode()
    hub.files["/model.safetensors"] = struct.pack("<Q", len(raw)) + raw + b"\0" * 100_000
    hub.files["/model.safetensors.index.json"] = json.dumps({"weight_map": dict.fromkeys(listed, "a")}).encode()
    assert remote_tensors(f"{hub.url}/model.safetensors") == names(NAME)
    assert remote_tensors(f"{hub.url}/model.safetensors.index.json").keys() == names(NAME).keys()


def test_a_remote_config(hub: Hub) -> None:
    hub.files["/config.json"] = json.dumps(CONFIGS[NAME]).encode()
    assert remote_config(f"{hub.url}/config.json", NAME) == from_config(CONFIGS[NAME], NAME)
    hub.files["/config.json"] = b"[]"
    with pytest.raises(SpecError, match=r"/config\.json: holds no mapping"):
        remote_config(f"{hub.url}/config.json")


def test_a_small_file_is_read_from_a_server_that_cuts_none(hub: Hub) -> None:
    hub.files["/config.json"] = json.dumps(CONFIGS[NAME]).encode()
    hub.ranges_off = True
    assert remote_config(f"{hub.url}/config.json", NAME) == from_config(CONFIGS[NAME], NAME)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (struct.pack("<IQQ", 3, 1 << 63, 0), "9223372036854775808 tensors"),
        (struct.pack("<IQQ", 3, 1 << 40, 0), "lists 1099511627776 tensors"),
        (struct.pack("<IQQ", 3, 1, 1 << 63), "9223372036854775808 keys"),
        (struct.pack("<IQQ", 3, 1, 1 << 40), "has 1099511627776 keys"),
        (
            struct.pack("<IQQ", 3, 1, 1) + struct.pack("<Q", 3) + b"abc" + struct.pack("<IIQ", 9, 8, 1 << 23),
            "claims 8388608 items",
        ),
    ],
    ids=["tensors", "many tensors", "keys", "many keys", "strings"],
)
def test_claims_are_refused_fast_and_small(hub: Hub, start: bytes, words: str) -> None:
    hub.files["/m.gguf"] = (b"GGUF" + start).ljust(MOST + (1 << 20), b"\0")
    hub.claimed = 1 << 62
    begun = time.perf_counter()
    with pytest.raises(SpecError, match=words):
        remote_gguf(f"{hub.url}/m.gguf")
    assert time.perf_counter() - begun < 1


@pytest.mark.slow
def test_a_header_that_never_ends_is_left_after_a_few_mib(hub: Hub) -> None:
    value = struct.pack("<IQ", 8, 65_000) + b"x" * 65_000
    keys = b"".join(struct.pack("<Q", 8) + f"{n:08}".encode() + value for n in range(500))
    hub.files["/m.gguf"] = b"GGUF" + struct.pack("<IQQ", 3, 1, 1 << 12) + keys
    tracemalloc.start()
    try:
        with pytest.raises(SpecError, match=f"larger than {MOST >> 20} MiB"):
            remote_gguf(f"{hub.url}/m.gguf")
        assert tracemalloc.get_traced_memory()[1] < 200 << 20
    finally:
        tracemalloc.stop()
    assert fetched(hub) <= MOST


def test_nothing_is_tried_twice(hub: Hub, gguf: Path) -> None:
    hub.codes = [503]
    with pytest.raises(HostError, match="answers 503"):
        remote_gguf(f"{hub.url}/m.gguf")
    assert len(hub.seen) == 1
    hub.cuts = [1000]
    with pytest.raises(HostError):
        remote_gguf(f"{hub.url}/m.gguf")
    assert len(hub.seen) == 2
    assert gguf.exists()


@pytest.mark.parametrize(("code", "words"), [(404, "no such file"), (401, "wants a token")])
def test_what_a_hub_refuses(hub: Hub, code: int, words: str) -> None:
    hub.codes = [code]
    with pytest.raises(SpecError, match=words):
        remote_gguf(f"{hub.url}/m.gguf")


def test_a_server_without_ranges_is_not_read(hub: Hub, gguf: Path) -> None:
    hub.ranges_off = True
    with pytest.raises(HostError, match="does not answer ranges"):
        remote_gguf(f"{hub.url}/m.gguf")
    assert gguf.exists()


def test_a_server_that_is_not_there() -> None:
    with Hub() as gone:
        url = gone.url
    with pytest.raises(HostError, match="cannot be read: ConnectionError"):
        remote_gguf(f"{url}/m.gguf")
