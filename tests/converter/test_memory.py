"""Row P6: one base and six adapters take less than six models, and as much as the plan says."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from fakes.sharedmemory import compared
from fakes.specialists import direction, save
from swarmctl.converter import difference
from swarmctl.converter.difference import Difference
from swarmctl.converter.lowrank import edit_of
from swarmctl.converter.tensors import tensors

pytestmark = pytest.mark.slow


def test_the_plan_is_within_a_twentieth_of_what_the_servers_say(tmp_path: Path) -> None:
    found = compared(tmp_path)
    for one in (found.apart, found.shared):
        assert one.planned == pytest.approx(one.said, rel=0.05)
        assert one.expected == pytest.approx(one.resident, rel=0.1)
    assert found.shared.said < 0.6 * found.apart.said


def test_a_large_tensor_is_never_held_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(difference, "_BLOCK", 1 << 19)
    monkeypatch.setattr(difference, "_HELD", 1 << 20)
    rows, columns = 12_000, 1280
    w = np.random.default_rng(1).standard_normal((rows, columns), np.float32)
    for name, values in (("base", w), ("edited", w - np.outer(w @ direction(columns, 1), direction(columns, 1)))):
        (tmp_path / name).mkdir()
        save(tmp_path / name / "model.safetensors", {"w": values}, "F32")
    size = w.nbytes
    del w, values
    pair = [tensors(tmp_path / name)["w"] for name in ("base", "edited")]
    tracemalloc.start()
    edit = edit_of(Difference(*pair), 4, 32)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert edit.rank == 1
    assert peak < 0.4 * size
