"""Tensors that hold other numbers are told apart from those that were only rounded or reordered."""

from pathlib import Path

import numpy as np
import pytest

from fakes import safetensorsfile
from swarmctl.converter.moments import Moments, apart, distance, moments, of_published
from swarmctl.converter.tensors import tensors
from swarmctl.core.converting.refusing import APART

RANDOM = np.random.default_rng(5)


def drawn(*shape: int, size: float = 0.02) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32) * np.float32(size)


@pytest.mark.parametrize(("dtype", "most"), [("f16", 0.003), ("bf16", 0.02)])
def test_rounding_and_reordering_stay_below_the_limit(dtype: str, most: float, tmp_path: Path) -> None:
    wanted = drawn(300, 64)
    safetensorsfile.write(tmp_path, {"a": wanted[::-1].copy()}, dtype)
    found = of_published(tensors(tmp_path)["a"])
    assert found is not None
    assert apart(found, moments(wanted)) < most < APART


def test_two_tensors_drawn_alike_are_far_beyond_it() -> None:
    figures = [apart(moments(drawn(64, 64)), moments(drawn(64, 64))) for _ in range(200)]
    assert min(figures) > APART
    assert np.median(figures) == pytest.approx(1.5, abs=0.7)


def test_the_sign_counts() -> None:
    values = drawn(64, 64) + np.float32(0.01)
    assert apart(moments(-values), moments(values)) > APART


def test_pieces_give_what_the_whole_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = drawn(70, 48)
    safetensorsfile.write(tmp_path, {"a": values}, "f32")
    monkeypatch.setattr("swarmctl.converter.moments._PIECE", 500)
    found = of_published(tensors(tmp_path)["a"])
    assert found is not None
    assert found.count == values.size
    assert found.third == pytest.approx(moments(values).third)


def test_only_the_first_rows_where_the_embedding_was_cut(tmp_path: Path) -> None:
    values = drawn(70, 48)
    safetensorsfile.write(tmp_path, {"a": values}, "f32")
    found = of_published(tensors(tmp_path)["a"], 60 * 48)
    assert found is not None
    assert apart(found, moments(values[:60])) == 0


def test_a_norm_may_be_stored_as_what_is_beyond_one() -> None:
    values = RANDOM.uniform(0.5, 1.5, 256).astype(np.float32)
    assert distance(moments(values), moments(values - 1)) == pytest.approx(0, abs=1e-5)
    assert distance(moments(values), moments(values - 2)) > APART


def test_a_matrix_may_not() -> None:
    values = drawn(512, 512)
    assert distance(moments(values), moments(values - 1)) > APART


def test_what_is_no_number_is_counted_and_left_out() -> None:
    values = drawn(8, 8)
    values[1, 2], values[3, 4] = np.nan, np.inf
    found = moments(values)
    assert found.broken == 2
    assert np.isfinite([found.first, found.second, found.third]).all()


def test_another_count_is_infinitely_far() -> None:
    assert apart(moments(drawn(3, 3)), moments(drawn(3, 4))) == float("inf")
    assert apart(Moments(), Moments()) == 0
