"""The converter's program run as conversions are: its report, its files, and what hinders it."""

import sys
from pathlib import Path
from typing import Any

import pytest

from fakes.specialists import Shape, direction, publish, weights, without
from swarmctl.core.sharing.verdict import require
from swarmctl.effects.converting.tools import OnThisMachine
from swarmctl.effects.sharing import Asked, Found, share_base
from swarmctl.errors import DeployError, HostError, SpecError

pytestmark = pytest.mark.slow
SHAPE = Shape(width=64, ffn=128, words=320)
BASE = weights(SHAPE)


@pytest.fixture
def work(tmp_path: Path) -> Path:
    publish(tmp_path / "base", SHAPE, BASE)
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def share(work: Path, said: list[Any] | None = None, python: str = sys.executable, **specialists: Path) -> Found:
    heard: list[Any] = [] if said is None else said
    asked = Asked(work.parent / "base", specialists)
    return share_base(OnThisMachine("unused", "v", python), work, 1000, asked, heard.append)


def test_adapters_and_a_head_come_back_as_files(work: Path) -> None:
    parts = ("o_proj", "down_proj", "embed_tokens")
    one = publish(work.parent / "backend", SHAPE, without(BASE, direction(64, 1), parts=parts))
    two = publish(work.parent / "frontend", SHAPE, {name: tensor * 2 for name, tensor in BASE.items()})
    said: list[Any] = []
    found = share(work, said, backend=one, frontend=two)
    assert found.adapters.keys() == {"backend"}
    assert found.adapters["backend"].read_bytes()[:4] == b"GGUF"
    assert found.head.keys() == {"config.json", "model.safetensors.index.json", "model-head.safetensors"}
    assert not any(path.is_symlink() for path in found.head.values())
    assert [row["event"] for row in said][-1] == "report"
    assert {row["name"] for row in said if row["event"] == "tensor"} == {"backend", "frontend"}
    with pytest.raises(SpecError, match="1 of 2 specialists differ"):
        require(found.report)


def test_what_cannot_be_used_is_said(work: Path, tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "model.py").write_text("boom")
    with pytest.raises(SpecError, match="holds no safetensors"):
        share(work, backend=tmp_path / "code")
    with pytest.raises(SpecError, match="cannot be read"):
        share(work, backend=tmp_path / "nowhere")
    publish(work.parent / "base", SHAPE, BASE, model_type="mamba")
    with pytest.raises(SpecError, match="cannot share a base: model_type 'mamba'"):
        share(work, backend=publish(tmp_path / "backend", SHAPE, BASE))


def test_tools_that_do_not_start_or_die_are_the_hosts(work: Path, tmp_path: Path) -> None:
    one = publish(tmp_path / "backend", SHAPE, without(BASE, direction(64, 1)))
    with pytest.raises(HostError, match="did not start"):
        share(work, python="/bin/false", backend=one)


def test_another_file_than_the_reports_is_not_taken(work: Path, tmp_path: Path) -> None:
    one = publish(tmp_path / "backend", SHAPE, without(BASE, direction(64, 1)))

    class Spoils(list[Any]):
        def append(self, row: Any) -> None:
            if row["event"] == "report":
                (work / "adapters" / "backend.gguf").write_bytes(b"GGUF")

    with pytest.raises(DeployError, match="is not the file that was written"):
        share(work, Spoils(), backend=one)
