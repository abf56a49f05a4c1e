"""A disk that is really full in the middle of a conversion: said, its space given back, and gone on from after."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fakes import tinymodels
from fakes.grounded import stands
from swarmctl.commands.convert import Wish, convert, decide
from swarmctl.commands.convertible import named
from swarmctl.core.lock import Lock
from swarmctl.effects.clock import SystemClock
from swarmctl.effects.converting.run import Began
from swarmctl.effects.converting.tools import IMAGE
from swarmctl.effects.imaging import provide
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import HostError

pytestmark = [pytest.mark.ground, pytest.mark.slow]


@contextmanager
def _disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    if os.geteuid() != 0:
        pytest.skip("a file system is mounted for it: that takes root")
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=755", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("step", ["convert", "quantise"])
def test_a_disk_that_fills_up_in_mid_write(step: str, tmp_path: Path) -> None:
    stands("engine", "forky")
    provide(IMAGE, lock=Lock())
    source = tinymodels.make(tmp_path / "model", "Qwen2ForCausalLM")
    clock = SystemClock()
    with _disk(tmp_path / "disk", 120) as disk:
        world = World(clock, Ledger(tmp_path / "l.sqlite", clock), ModelStore(disk / "models"), tmp_path / "state")
        decided = decide(named([str(source)], ("Q8_0",)), Wish(certify=False), world)
        filler = disk / "somebody.bin"

        def fill(event: object) -> None:
            """Others take all but 6 MiB of the disk when the step begins that is to fail."""
            if isinstance(event, Began) and event.node.step == step:
                room = os.statvfs(disk)
                with filler.open("wb") as opened:
                    os.posix_fallocate(opened.fileno(), 0, room.f_bavail * room.f_frsize - (6 << 20))

        report = convert(decided, world, fill)
        with pytest.raises(HostError, match=f"model: {step} to .* ran out of disk; its space was given back") as caught:
            report.check()
        assert "models prune" in caught.value.hint
        assert world.store.all() == []
        assert not (world.store.root / "blobs").exists()
        assert not (world.store.root / "conversions").exists()
        filler.unlink()
        held = sum(path.stat().st_size for path in disk.rglob("*") if path.is_file())
        assert held < 1 << 20
        again = convert(decide(named([str(source)], ("Q8_0",)), Wish(certify=False), world), world, lambda _event: None)
        again.check()
        assert [one.quant for one in again.results] == ["Q8_0"]
