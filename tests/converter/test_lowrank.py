"""The rank of an edit is found without being told, and noise is not taken for one."""

from pathlib import Path

import numpy as np
import pytest

from fakes.specialists import Array, as_bf16, direction, save
from swarmctl.converter.difference import Difference
from swarmctl.converter.lowrank import Edit, edit_of
from swarmctl.converter.tensors import tensors

ROWS, COLUMNS = 192, 320


def matrix(seed: int = 0, rows: int = ROWS, columns: int = COLUMNS) -> Array:
    return np.random.default_rng(seed).standard_normal((rows, columns), np.float32) * np.float32(columns**-0.5)


def found(folder: Path, base: Array, edited: Array, kind: str = "F32", most: int = 8, of: str = "") -> Edit:
    for name, values in (("base", base), ("edited", edited)):
        (folder / name).mkdir()
        save(folder / name / "model.safetensors", {"w": values}, kind if name == "edited" or not of else of)
    pair = (tensors(folder / name)["w"] for name in ("base", "edited"))
    return edit_of(Difference(*pair), most, 8 * most)


def removed(w: Array, *directions: Array) -> Array:
    for r in directions:
        w = w - np.outer(r, r @ w)
    return w


def basis(count: int, width: int = ROWS) -> list[Array]:
    several = np.stack([direction(width, n) for n in range(count)], axis=1)
    return list(np.linalg.qr(several)[0].T)


def left(edit: Edit, base: Array, edited: Array) -> float:
    """Share of the edit that its product misses."""
    missed = edited - base - edit.b @ edit.a
    return float(np.linalg.norm(missed) / np.linalg.norm(edited - base))


@pytest.mark.parametrize("count", [1, 3])
def test_directions_that_were_removed_are_counted_and_removed_exactly(count: int, tmp_path: Path) -> None:
    w = matrix()
    edited = removed(w, *basis(count))
    edit = found(tmp_path, w, edited)
    assert (edit.form, edit.rank, edit.wanted) == ("projection", count, count)
    assert left(edit, w, edited) < 5e-6


def test_a_direction_is_found_on_the_side_that_is_read_too(tmp_path: Path) -> None:
    w, r = matrix(), direction(COLUMNS, 1)
    edited = w - np.outer(w @ r, r)
    edit = found(tmp_path, w, edited)
    assert (edit.form, edit.rank) == ("projection", 1)
    assert left(edit, w, edited) < 5e-6


def test_any_other_product_is_found_by_its_singular_vectors(tmp_path: Path) -> None:
    w = matrix()
    edited = w + 0.1 * matrix(1, ROWS, 5) @ matrix(2, 5, COLUMNS)
    edit = found(tmp_path, w, edited)
    assert (edit.form, edit.rank) == ("svd", 5)
    assert left(edit, w, edited) < 5e-5


def test_half_a_projection_is_none(tmp_path: Path) -> None:
    w, r = matrix(), direction(ROWS, 1)
    edited = w - np.float32(0.5) * np.outer(r, r @ w)
    edit = found(tmp_path, w, edited)
    assert (edit.form, edit.rank) == ("svd", 1)
    assert left(edit, w, edited) < 5e-6


@pytest.mark.parametrize("kind", ["BF16", "F16"])
def test_rounding_is_told_from_the_edit_and_left_out(kind: str, tmp_path: Path) -> None:
    w = matrix()
    save(tmp_path / "once", {"w": w}, kind)
    (tmp_path / "once").rename(tmp_path / "w.safetensors")
    w = tensors(tmp_path)["w"].read()
    edited = removed(w, direction(ROWS, 3))
    edit = found(tmp_path, w, edited, kind)
    assert (edit.form, edit.rank, edit.wanted) == ("projection", 1, 1)
    # What saving lost is in the edited file and not in the product.
    share = left(edit, w, edited)
    assert share < (0.006 if kind == "BF16" else 0.0008)
    assert abs(edit.excess) < 0.1 * edit.noise < 1e-2 * edit.change


def test_an_edit_is_found_sharper_than_its_file_holds_it(tmp_path: Path) -> None:
    """Where an edit is hardly larger than the steps of bf16, much of it is rounded away, not as white noise."""
    w = as_bf16({"w": matrix(0, 1024, 640)})["w"]
    edited = removed(w, direction(1024, 3))
    edit = found(tmp_path, w, edited, "BF16")
    held = tensors(tmp_path / "edited")["w"].read()
    lost = float(np.linalg.norm(held - edited) / np.linalg.norm(edited - w))
    assert (edit.form, edit.rank, edit.wanted) == ("projection", 1, 1)
    assert left(edit, w, edited) < 0.02 * lost


def test_rows_of_nothing_are_no_hindrance(tmp_path: Path) -> None:
    """Vocabularies are padded."""
    w = as_bf16({"w": matrix()})["w"]
    w[40:60] = 0
    r = direction(COLUMNS, 3)
    edited = w - np.outer(w @ r, r)
    edit = found(tmp_path, w, edited, "BF16")
    assert (edit.form, edit.rank) == ("projection", 1)
    assert left(edit, w, edited) < 0.006


def test_a_model_that_was_only_saved_in_another_type_is_not_edited(tmp_path: Path) -> None:
    w = matrix()
    assert found(tmp_path, w, w, "BF16", of="F32").form == "rounding"


def test_the_same_bytes_are_the_same(tmp_path: Path) -> None:
    w = matrix()
    edit = found(tmp_path, w, w.copy())
    assert (edit.form, edit.rank, edit.change) == ("same", 0, 0.0)


def test_a_rank_above_the_limit_is_named(tmp_path: Path) -> None:
    w = matrix()
    edited = w + 0.1 * matrix(1, ROWS, 12) @ matrix(2, 12, COLUMNS)
    edit = found(tmp_path, w, edited, most=4)
    assert (edit.rank, edit.wanted) == (4, 12)
    assert edit.excess / edit.change > 0.3


def test_training_of_every_weight_has_no_rank(tmp_path: Path) -> None:
    w = matrix()
    edit = found(tmp_path, w, w + np.float32(0.05) * matrix(1), most=4)
    assert edit.wanted is None
    assert edit.excess / edit.change > 0.8


def test_a_product_with_a_little_training_beside_it_has_no_rank_that_would_do(tmp_path: Path) -> None:
    w = matrix()
    edited = removed(w, direction(ROWS, 3)) + np.float32(0.01) * matrix(1)
    edit = found(tmp_path, w, edited)
    assert edit.wanted is None
    assert 0.001 < edit.excess / edit.change < 0.1


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_is_broken(value: float, tmp_path: Path) -> None:
    w = matrix()
    edited = w.copy()
    edited[3, 4] = value
    edit = found(tmp_path, w, edited)
    assert (edit.form, edit.wanted) == ("broken", None)


def test_blocks_do_not_change_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from swarmctl.converter import difference

    monkeypatch.setattr(difference, "_BLOCK", 1000)
    monkeypatch.setattr(difference, "_HELD", 10)
    w = matrix()
    edited = removed(w, direction(ROWS, 3))
    edit = found(tmp_path, w, edited)
    assert (edit.form, edit.rank) == ("projection", 1)
    assert left(edit, w, edited) < 5e-6


def test_nothing_edited_but_one_value_is_one_direction(tmp_path: Path) -> None:
    w = matrix()
    edited = w.copy()
    edited[5, 7] += 1
    edit = found(tmp_path, w, edited)
    assert edit.rank == 1
    assert left(edit, w, edited) < 1e-5
