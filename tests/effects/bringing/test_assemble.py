"""Images put together on another machine by the program that runs there; its Docker is a script that looks in."""

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).resolve().parents[3] / "provisioning/swarmctl/effects/bringing/assemble.py"
DOCKER = """\
#!/bin/sh
case "$1" in
  load) cat > "$SHELF/loaded.tar"; cat "$SHELF/refuses" 2>/dev/null && exit 1; exit 0;;
  save) [ "$4" = donor ] || exit 1; cp "$SHELF/donor.tar" "$3";;
esac
"""


def layer(text: str) -> tuple[str, bytes]:
    """An unpacked layer's digest, and its packed file."""
    data = text.encode() * 1000
    return f"sha256:{hashlib.sha256(data).hexdigest()}", gzip.compress(data)


BASE, MIDDLE, TOP = layer("base"), layer("middle"), layer("top")
CONFIG = json.dumps({"rootfs": {"diff_ids": [BASE[0], MIDDLE[0], TOP[0]]}})


@dataclass
class There:
    """The other machine's folder."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    def send(self, *layers: tuple[str, bytes]) -> None:
        (self.folder / "layer").mkdir(exist_ok=True)
        for _, data in layers:
            self.place(data).write_bytes(data)

    def place(self, data: bytes) -> Path:
        return self.folder / "layer" / f"{hashlib.sha256(data).hexdigest()}.layer"

    def assemble(self, *sent: tuple[str, bytes], donor: str = "") -> dict[str, Any]:
        digests = {diff: hashlib.sha256(data).hexdigest() for diff, data in sent}
        rows = [[diff, digests.get(diff, "")] for diff, _ in (BASE, MIDDLE, TOP)]
        order = {"folder": str(self.folder), "tag": "a:1", "config": CONFIG, "donor": donor, "layers": rows}
        done = subprocess.run(
            [sys.executable, "-I", str(PROGRAM)], input=json.dumps(order).encode() + b"\n", capture_output=True,
            env=self.env, check=False, timeout=60,
        )  # fmt: skip
        assert not done.stderr, done.stderr.decode()
        said: dict[str, Any] = json.loads(done.stdout)
        return said

    def loaded(self) -> dict[str, bytes]:
        with tarfile.open(self.folder / "loaded.tar") as archive:
            return {one.name: archive.extractfile(one).read() for one in archive}  # type: ignore[union-attr]  # files all

    def give(self, *layers: tuple[str, bytes]) -> None:
        """Its Docker has an image with these."""
        listed = [{"Config": "blobs/c", "Layers": [f"blobs/{diff[7:20]}" for diff, _ in layers]}]
        with tarfile.open(self.folder / "donor.tar", "w") as archive:
            files = [(f"blobs/{diff[7:20]}", data) for diff, data in layers]
            files += [("blobs/c", json.dumps({"rootfs": {"diff_ids": [diff for diff, _ in layers]}}).encode())]
            for name, data in (*files, ("manifest.json", json.dumps(listed).encode())):
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))


@pytest.fixture
def there(tmp_path: Path) -> There:
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(DOCKER)
    program.chmod(0o755)
    folder = tmp_path / "images"
    folder.mkdir()
    path = f"{program.parent}:{os.environ['PATH']}"
    return There(folder, {"PATH": path, "SHELF": str(folder)})


def test_an_archive_names_layers_that_its_docker_has_and_brings_the_others(there: There) -> None:
    there.send(TOP)
    assert there.assemble(TOP) == {"ended": {}}
    found = there.loaded()
    (listed,) = json.loads(found["manifest.json"])
    names = [f"{diff[7:]}.tar" for diff, _ in (BASE, MIDDLE, TOP)]
    assert listed == {
        "Config": f"{hashlib.sha256(CONFIG.encode()).hexdigest()}.json",
        "RepoTags": ["a:1"],
        "Layers": names,
    }
    assert found[listed["Config"]].decode() == CONFIG
    assert found[names[2]] == TOP[1]
    assert not {names[0], names[1]} & set(found)
    assert not there.place(TOP[1]).exists(), "its Docker has it now"


def test_where_all_layers_are_needed_an_image_there_gives_what_did_not_come(there: There) -> None:
    there.give(BASE, MIDDLE)
    there.send(TOP)
    assert there.assemble(TOP, donor="donor") == {"ended": {}}
    found = there.loaded()
    assert [found[f"{diff[7:]}.tar"] for diff, _ in (BASE, MIDDLE, TOP)] == [BASE[1], MIDDLE[1], TOP[1]]
    assert sorted(path.name for path in there.folder.iterdir()) == ["donor.tar", "layer", "loaded.tar"]


def test_an_image_there_that_does_not_have_them_is_no_donor(there: There) -> None:
    there.give(BASE)
    there.send(TOP)
    assert there.assemble(TOP, donor="donor")["failed"] == "donor"
    assert there.assemble(TOP, donor="another")["failed"] == "donor"
    (there.folder / "donor.tar").write_bytes(b"no archive")
    assert there.assemble(TOP, donor="donor")["failed"] == "donor"
    assert there.place(TOP[1]).exists(), "what came is kept"
    assert not (there.folder / "loaded.tar").exists()


def test_a_damaged_layer_is_found_by_its_hash_and_goes(there: There) -> None:
    there.send(MIDDLE, TOP)
    place = there.place(MIDDLE[1])
    place.write_bytes(MIDDLE[1][:-1] + b"x")
    said = there.assemble(MIDDLE, TOP)
    assert (said["failed"], said["digests"]) == ("damaged", [place.stem])
    assert not place.exists()
    assert there.place(TOP[1]).exists()
    assert not (there.folder / "loaded.tar").exists(), "its Docker was given nothing"
    said = there.assemble(MIDDLE, TOP)
    assert (said["failed"], said["digests"]) == ("missing", [place.stem])


def test_what_docker_refuses_is_said_and_kept(there: There) -> None:
    there.send(TOP)
    (there.folder / "refuses").write_text("no space left on device")
    assert there.assemble(TOP) == {"failed": "load", "said": "no space left on device", "digests": []}
    assert there.place(TOP[1]).exists()


def test_what_others_began_and_never_ended_goes_after_a_day(there: There) -> None:
    there.send(TOP, MIDDLE)
    (there.folder / "incoming").mkdir()
    begun = there.folder / "incoming" / "0"
    begun.write_bytes(b"half")
    old = time.time() - 25 * 3600
    os.utime(begun, (old, old))
    there.assemble(TOP)
    assert not begun.exists()
    assert there.place(MIDDLE[1]).exists(), "another image may be on its way"
