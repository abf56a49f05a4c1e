"""A report is read strictly, and what it means is said with sizes and what to type."""

import json
from typing import Any

import pytest

from swarmctl.core.sharing.report import Report, read
from swarmctl.core.sharing.verdict import added, reason, require, table
from swarmctl.errors import DeployError, SpecError

GOOD = {
    "name": "backend", "accepted": True, "why": [], "residual": 0.0002, "noise": 0.07, "rank": 1, "bytes": 2 << 20,
    "adapter": "backend.gguf", "sha256": "a" * 64, "edited": 72,
}  # fmt: skip
HIGHER = {
    "name": "frontend", "accepted": False, "why": ["rank 16 leaves 30.0% out"], "residual": 0.3, "wanted_rank": 24,
    "wanted_bytes": 30 << 20, "own_bytes": 6 << 30,
}  # fmt: skip
OWN = {"name": "security", "accepted": False, "why": ["rank 16 leaves 90.0% out"], "own_bytes": 6 << 30}


def said(*specialists: dict[str, Any], **more: Any) -> str:
    report = {"event": "report", "arch": "qwen2", "base_bytes": 6 << 30, "tied": True, "untie": False, "max_rank": 16}
    return json.dumps(report | {"threshold": 0.02, "specialists": specialists} | more)


def test_accepted_specialists_are_counted() -> None:
    report = read(said(GOOD))
    require(report)
    assert added(report) == 2 << 20
    assert table(report)[1] == ("backend", "shares", "1", "2.0e-04", "7.0%", "2.0 MiB")


def test_a_higher_rank_is_offered_with_its_size_where_one_would_do() -> None:
    with pytest.raises(SpecError, match="1 of 2 specialists differ") as error:
        require(read(said(GOOD, HIGHER)))
    assert error.value.hint == "--max-rank 24"
    assert error.value.detail == "frontend: rank 16 leaves 30.0% out. Rank 24 would do, 30.0 MiB"


def test_otherwise_it_needs_its_own_model() -> None:
    report = read(said(OWN))
    assert reason(report.specialists[0]).endswith("It needs a model of its own (6,144.0 MiB as published)")
    with pytest.raises(SpecError, match="security differs from the base") as error:
        require(report)
    assert "--share-base" in error.value.hint
    with pytest.raises(SpecError) as error:
        require(read(said(HIGHER, OWN)))
    assert "--max-rank" not in error.value.hint


def test_what_the_program_refuses_is_its_sentence() -> None:
    with pytest.raises(SpecError, match="max_rank: 0 is not between"):
        read(json.dumps({"event": "refused", "why": "max_rank: 0 is not between 1 and 512"}))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Traceback (most recent call last):",
        "[]",
        "null",
        '{"event": "report"}',
        said(GOOD, residual=3)[:-5],
        said(GOOD | {"residual": float("nan")}),
        said(GOOD | {"residual": -1}),
        said(GOOD | {"bytes": 10**18}),
        said(GOOD | {"adapter": "../../etc/passwd"}),
        said(GOOD | {"adapter": ""}),
        said(GOOD | {"sha256": "a"}),
        said(OWN | {"why": []}),
        "[" * 100_000,
    ],
)
def test_nonsense_is_no_report(line: str) -> None:
    with pytest.raises(DeployError):
        read(line)


def test_the_programs_own_report_is_read(tmp_path: Any) -> None:
    from fakes.specialists import Shape, direction, publish, weights, without
    from swarmctl.converter.sharebase import share

    shape = Shape(width=64, ffn=128, words=320)
    base = weights(shape)
    publish(tmp_path / "base", shape, base)
    publish(tmp_path / "backend", shape, without(base, direction(64, 1)))
    publish(tmp_path / "frontend", shape, {name: tensor * 2 for name, tensor in base.items()})
    named = {name: str(tmp_path / name) for name in ("backend", "frontend")}
    told = {"base": str(tmp_path / "base"), "out": str(tmp_path / "out"), "specialists": named}
    report = read(json.dumps(share(told, lambda _: None)))
    assert isinstance(report, Report)
    assert [one.accepted for one in report.specialists] == [True, False]
    assert added(report) == (tmp_path / "out/backend.gguf").stat().st_size
