"""Models in one file and in a registry: the same model, its proof with it, and nothing that is not what it says."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.blobregistry import BlobRegistry
from fakes.ggufs import Shape, write_model
from swarmctl.commands.carry import export, pick, pull, push, take
from swarmctl.core.converting.artifact import config, digest, manifest, parts, reference
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.converting.results import Result, Results
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.sources.localfile import sha256
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import HostError, SpecError, SwarmctlError

KEY = "0" * 31 + "7"


def make_world(folder: Path) -> World:
    clock = SystemClock()
    return World(clock, Ledger(folder / "l.sqlite", clock), ModelStore(folder / "models", clock), folder / "state")


@pytest.fixture
def here(tmp_path: Path) -> World:
    """A store with one converted, certified model."""
    world = make_world(tmp_path / "here")
    (tmp_path / "here").mkdir(exist_ok=True)
    file = write_model(tmp_path / "here" / "m.gguf", Shape())
    sha = sha256(file, lambda _d, _t: None)
    results = Results(world.store)
    results.work()
    world.store.take("path:/m/coder#Q8_0", file, sha)
    results.certify(sha, {"format": 1, "quants": {}})
    results.put(Result(KEY, "coder", "Q8_0", sha, world.store.all()[0].bytes, "path:/m/coder#Q8_0", "t", 100))
    return world


@pytest.fixture
def there(tmp_path: Path) -> World:
    (tmp_path / "there").mkdir()
    return make_world(tmp_path / "there")


def _same(here: World, there: World) -> None:
    mine, its = Results(here.store), Results(there.store)
    assert [one.sha256 for one in there.store.all()] == [one.sha256 for one in here.store.all()]
    assert its.one(KEY) == mine.one(KEY) is not None
    sha = here.store.all()[0].sha256
    assert its.certificate(sha) == mine.certificate(sha) == {"format": 1, "quants": {}}


def test_a_file_carries_a_model_with_how_it_was_made_and_its_proof(here: World, there: World, tmp_path: Path) -> None:
    file = tmp_path / "models.tar"
    assert export(here, ["coder:q8_0"], file) == ["path:/m/coder#Q8_0"]
    assert take(there, file) == ["path:/m/coder#Q8_0"]
    _same(here, there)
    with pytest.raises(SpecError, match="is there already"):
        export(here, [], file)


def test_the_same_model_gives_the_same_file(here: World, tmp_path: Path) -> None:
    export(here, [], tmp_path / "a.tar")
    export(here, [], tmp_path / "b.tar")
    assert (tmp_path / "a.tar").read_bytes() == (tmp_path / "b.tar").read_bytes()


def test_damaged_weights_in_a_file_are_refused_and_nothing_is_kept(here: World, there: World, tmp_path: Path) -> None:
    file = tmp_path / "models.tar"
    export(here, [], file)
    raw = bytearray(file.read_bytes())
    blob = here.store.all()[0].blob.read_bytes()
    raw[raw.index(blob[:64]) + len(blob) // 2] ^= 1
    file.write_bytes(raw)
    with pytest.raises(SpecError, match="damaged"):
        take(there, file)
    assert there.store.all() == []


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "blobs/sha256/../../evil"])
def test_names_in_a_file_decide_nothing(there: World, tmp_path: Path, name: str) -> None:
    file = tmp_path / "m.tar"
    index = json.dumps({"manifests": [{"digest": f"sha256:{name}"}]}).encode()
    with tarfile.open(file, "w") as tar:
        for entry, data in ((name, b"x"), ("index.json", index)):
            member = tarfile.TarInfo(entry)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    with pytest.raises(SpecError, match="not in this file"):
        take(there, file)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("data", [b"", b"junk", b"\0" * 1024, b"PK\x03\x04" * 99])
def test_a_file_that_is_none_is_said(there: World, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "m.tar").write_bytes(data)
    with pytest.raises(SpecError):
        take(there, tmp_path / "m.tar")


@pytest.fixture
def registry() -> Iterator[BlobRegistry]:
    with BlobRegistry() as found:
        yield found


def test_a_registry_carries_a_model_and_weights_are_sent_once(
    here: World, there: World, registry: BlobRegistry
) -> None:
    base = f"{registry.host}/models"
    assert list(push(here, base, ["coder"])) == [f"{base}/coder:q8_0: sent"]
    assert list(push(here, base, ["coder"])) == [f"{base}/coder:q8_0: its weights were there already"]
    assert pull(there, f"{base}/coder:q8_0") == "path:/m/coder#Q8_0"
    _same(here, there)


def test_a_registry_that_wants_a_token_is_given_one(here: World, registry: BlobRegistry) -> None:
    registry.token = "letmein"
    (said,) = push(here, f"{registry.host}/models", [])
    assert said.endswith("sent")


def test_weights_that_are_not_what_their_hash_says_are_refused(
    here: World, there: World, registry: BlobRegistry
) -> None:
    list(push(here, f"{registry.host}/models", []))
    sha = here.store.all()[0].sha256
    registry.blobs[f"sha256:{sha}"] = registry.blobs[f"sha256:{sha}"][:-1] + b"\1"
    with pytest.raises(HostError, match="other weights"):
        pull(there, f"{registry.host}/models/coder:q8_0")
    assert there.store.all() == []


def test_a_pull_that_broke_off_goes_on(here: World, there: World, registry: BlobRegistry) -> None:
    list(push(here, f"{registry.host}/models", []))
    model = here.store.all()[0]
    folder = there.store.root / "incoming" / "carried"
    folder.mkdir(parents=True)
    (folder / f"{model.sha256}.part.gguf").write_bytes(model.blob.read_bytes()[:5000])
    pull(there, f"{registry.host}/models/coder:q8_0")
    assert registry.ranges == ["bytes=5000-"]
    _same(here, there)


def test_what_is_not_there_is_said(here: World, there: World, registry: BlobRegistry) -> None:
    with pytest.raises(SpecError, match="no such model"):
        pull(there, f"{registry.host}/models/none:x")
    with pytest.raises(SpecError, match="no model"):
        pick(here, ["nobody"])
    with pytest.raises(SpecError, match="store is empty"):
        pick(there, [])
    with pytest.raises(HostError, match="does not answer"):
        pull(there, "127.0.0.1:9/models/x:y")


@pytest.mark.parametrize(
    "text", ["", "name", "a b/c", "http://h/x", "h.example/UPPER", "h.example/", "-x.y/z", "h.io/a:..."]
)
def test_places_that_are_none(text: str) -> None:
    with pytest.raises(SpecError):
        reference(text)


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b'{"layers": []}', b'{"layers": [{"mediaType": "x"}]}', b"[" * 9999])
def test_manifests_that_are_none_of_ours(raw: bytes) -> None:
    with pytest.raises(SwarmctlError):
        parts(raw)


def test_a_manifest_names_what_it_holds(here: World) -> None:
    from swarmctl.core.converting.artifact import Carried

    model = Carried("k", "a" * 64, 9)
    found = parts(manifest(model, "t"))
    assert (found.weights, found.bytes, f"sha256:{found.config}") == ("a" * 64, 9, digest(config(model)))
