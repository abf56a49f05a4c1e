"""Proofs of a gateway before a real server with adapters, seen green, and red when something of it is wrong."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fakes.agents import free_port, secret
from fakes.embedded import KEY
from fakes.gateways import gateway, settings
from fakes.sharedserver import Shared, serving
from fakes.specialists import WORDS, Shape, direction, gguf_of, publish, weights, without
from swarmctl.converter.sharebase import share
from swarmctl.core.proof import Proof
from swarmctl.core.record import ServiceRecord, SwarmRecord
from swarmctl.effects.proving.gateway import ask, look

pytestmark = pytest.mark.slow
NAMES = ("docs", "testing")
MODELS = [{"name": "coder", "slots": [0]}, *({"name": n, "adapter": i, "slots": [i + 1]} for i, n in enumerate(NAMES))]


@dataclass
class Standing:
    """The engine, and the files of its adapters."""

    engine: Shared
    adapters: list[Path]
    model: Path
    key_file: str

    @contextmanager
    def before(self, folder: Path, models: list[dict[str, Any]] | None = None) -> Iterator[tuple[ServiceRecord, Any]]:
        """A gateway that is told other models than the record promises, where that is said."""
        names = [path.name for path in self.adapters]
        told = settings(folder, self.engine.url, KEY, models or MODELS, names, key_file=self.key_file)
        with gateway(told):
            yield self.promised(told.port)

    def promised(self, port: int) -> tuple[ServiceRecord, SwarmRecord]:
        """What the record says of the gateway at this port, and of the engine."""
        told = self.engine.settings
        edits = [{"model": name, "source": name} for name in NAMES]
        of_engine = {**told.model_dump(), "adapters": edits, "draft": None, "engine": "llamacpp"}
        models = [{"adapter": None, "engine": 0, **model} for model in MODELS]
        engines = [{"service": "engine-coder", "context": told.context, "slots": 3, "adapters": list(NAMES)}]
        services = (
            ServiceRecord(name="engine-coder", kind="engine", subject="coder", settings=of_engine, needs=(),
                          port=told.port),
            ServiceRecord(name="gateway-cpu", kind="gateway", subject="cpu", needs=("engine-coder",), port=port,
                          settings={"engines": engines, "models": models}),
        )  # fmt: skip
        record = SwarmRecord(swarm="s", slot="slot-0", runtime="compose", services=services, floor=0.5, test=None)
        return services[1], record


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    folder, shape = tmp_path_factory.mktemp("shared"), Shape("llama", layers=2, width=64, ffn=128, words=WORDS)
    base = weights(shape)
    publish(folder / "base", shape, base)
    for n, name in enumerate(NAMES):
        publish(folder / name, shape, without(base, direction(shape.width, n)))
    named = {name: str(folder / name) for name in NAMES}
    share({"base": str(folder / "base"), "out": str(folder / "out"), "specialists": named}, lambda _: None)
    adapters = [folder / "out" / f"{name}.gguf" for name in NAMES]
    model = gguf_of(folder / "base.gguf", shape, base)
    with serving(folder / "engine", model, adapters, parallel=3) as engine:
        yield Standing(engine, adapters, model, str(secret(folder / "gateway.key", KEY)))


def red(proofs: list[Proof]) -> set[str]:
    return {f"{proof.name}: {proof.subject}" for proof in proofs if proof.verdict != "pass"}


def proved(told: tuple[ServiceRecord, SwarmRecord], key: str, golden: dict[str, str] | None = None) -> list[Proof]:
    return [*look(*told, key), *ask(*told, key, golden or {})]


def test_all_hold_and_answers_begin_as_they_did(standing: Standing, tmp_path: Path) -> None:
    with standing.before(tmp_path) as told:
        first = proved(told, standing.key_file)
        assert red(first) == set(), first
        assert {p.subject for p in first if p.name == "is its own model"} == {"model coder", "model docs",
                                                                              "model testing"}  # fmt: skip
        said = {p.subject.removeprefix("model "): p.evidence[1:5] for p in first if p.name == "answers"}
        assert red(proved(told, standing.key_file, said)) == set()
        assert red(proved(told, standing.key_file, said | {"docs": "never said"})) == {"answers: model docs"}


def test_names_that_lead_to_each_others_adapters(standing: Standing, tmp_path: Path) -> None:
    swapped = [MODELS[0], MODELS[1] | {"adapter": 1}, MODELS[2] | {"adapter": 0}]
    with standing.before(tmp_path, swapped) as told:
        assert red(proved(told, standing.key_file)) == {
            "is its own model: model docs",
            "is its own model: model testing",
        }


def test_a_name_that_leads_to_the_base(standing: Standing, tmp_path: Path) -> None:
    with standing.before(tmp_path, [MODELS[0] | {"slots": [1]}, {"name": "docs", "slots": [0]}, MODELS[2]]) as told:
        assert red(proved(told, standing.key_file)) == {"is its own model: model docs"}


def test_a_model_that_is_not_offered(standing: Standing, tmp_path: Path) -> None:
    others = [MODELS[0], MODELS[1], {"name": "somebody", "adapter": 1, "slots": [2]}]
    with standing.before(tmp_path, others) as told:
        assert red(proved(told, standing.key_file)) == {
            "models offered: gateway-cpu", "answers: model testing", "is its own model: model testing",
        }  # fmt: skip


def test_an_adapter_that_nobody_silenced(standing: Standing, tmp_path: Path) -> None:
    with serving(tmp_path / "loud", standing.model, standing.adapters, parallel=3, scale=1.0) as engine:
        loud = Standing(engine, standing.adapters, standing.model, standing.key_file)
        with loud.before(tmp_path) as told:
            assert red(look(*told, loud.key_file)) == {"adapters and slots: gateway-cpu"}


def test_nobody_there_and_another_key(standing: Standing, tmp_path: Path) -> None:
    told = standing.promised(free_port())
    assert {proof.verdict for proof in proved(told, standing.key_file)} == {"fail"}
    with standing.before(tmp_path) as there:
        other = str(secret(tmp_path / "other.key", "another"))
        assert "models offered: gateway-cpu" in red(look(*there, other))
