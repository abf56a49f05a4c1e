"""What a swarm asks of a machine, worked out once and then placed on many."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from swarmctl.core.engines.engine import Engine, engine_of
from swarmctl.core.engines.rules import in_force, needed
from swarmctl.core.memory.expected import expected
from swarmctl.core.memory.need import Need
from swarmctl.core.memory.reserve import reserve
from swarmctl.core.memory.serving import Serving
from swarmctl.core.model import Model, Weights
from swarmctl.core.placement.measure import Measure
from swarmctl.core.spec import SwarmSpec
from swarmctl.errors import SpecError

MOST_MODELS = 128
"""Models of one swarm: far more than a team has, and few enough to search among."""


@dataclass(frozen=True, slots=True)
class Known:
    """A model's facts and its weights in every quantisation that can be had, best first.

    adapter: bytes of its adapter file where it is an edit of a base; 0 estimates one of rank 1. projector: bytes.
    published: it is converted before it is served, so that any quantisation and an adapter can be made of it.
    """

    model: Model
    weights: Mapping[str, Weights]
    adapter: int = 0
    projector: int = 0
    published: bool = False

    def on(self, base: "Known | None") -> "Known":
        """An adapter by itself would take what its base takes, whose weights it needs; anything else is what it is."""
        return replace(self, model=base.model, weights=base.weights) if base is not None and self.adapter else self


@dataclass(frozen=True)
class Demand:
    """A swarm file with the facts of its models. memo, needs: what was worked out already, for every later box."""

    spec: SwarmSpec
    models: Mapping[str, Known] = field(repr=False)
    engine: Engine
    server: Literal["wheel", "binary"] = "binary"
    reserve: Measure = reserve
    expected: Measure = expected
    memo: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    needs: dict[Any, Need] = field(default_factory=dict, compare=False, repr=False)

    def need(self, name: str, quant: str, serving: Serving, *, lines: bool = False) -> Need:
        """MiB of one process of a model: what admission counts, or with `lines` what its own lines will say."""
        draft, plain = serving.draft, serving
        if draft is not None:
            plain = replace(serving, draft=None)
        key = (self._kind(name), quant, lines, draft and (draft.model.name, draft.weights, draft.kv))
        found = self.needs.get((key, plain))
        if found is None:
            known = self.models[name]
            measure = self.expected if lines else self.reserve
            base = measure(known.model, known.weights[quant], serving)
            found = needed(self.engine, known.weights[quant], serving, base)
            self.needs[key, plain] = found
        return found

    def served(self, name: str, serving: Serving) -> tuple[Serving, tuple[str, ...]]:
        """How the engine will really serve a model, and what to know about it."""
        return in_force(self.engine, self.models[name].model, serving)

    def quant(self, name: str) -> str:
        """The quantisation that the file asks for, else the best that can be had. Raises SpecError."""
        had, wanted = self.models[name].weights, self.spec.models[name].quant
        if self.engine.kind == "vllm":
            if "F16" not in had:
                told = f"models.{name}: vLLM serves safetensors, and of this model only GGUF files are known"
                raise SpecError(told, hint="engine.kind: llamacpp")
            return "F16"
        if wanted is None:
            return next(iter(had))
        if wanted not in had:
            raise SpecError(f"models.{name}.quant: {wanted} cannot be had", hint=f"quant: {' or '.join(had)}")
        return wanted

    def _kind(self, name: str) -> str:
        """The first name of the same model, so that copies are measured once."""
        kinds: dict[str, str] = self.memo.setdefault("kinds", {})
        if name not in kinds:
            mine = self.models[name]
            same = (other for other in kinds.values() if self.models[other] == mine)
            kinds[name] = next(same, name)
        return kinds[name]


def demand(
    spec: SwarmSpec,
    models: Mapping[str, Known],
    *,
    server: Literal["wheel", "binary"] = "binary",
    reserve: Measure = reserve,
    expected: Measure = expected,
) -> Demand:
    """What a swarm asks, ready to be placed. `reserve` and `expected` are the memory model's, or a test's.

    Raises SpecError where a model that is used is not known, or cannot be had in the quantisation asked for.
    """
    used = {name for name in spec.models if spec.users(name)}
    used |= {other for name in used for other in (spec.models[name].base, spec.models[name].draft) if other}
    problems = [f"models.{name}: nothing is known of this model" for name in spec.models if name in used - set(models)]
    empty = [f"models.{n}: no quantisation of it can be had" for n, k in models.items() if n in used and not k.weights]
    if len(used) > MOST_MODELS:
        empty.append(f"models: {len(used)} are used, and more than {MOST_MODELS} are not placed")
    if problems or empty:
        raise SpecError("; ".join([*problems, *empty]), hint="swarmctl models show MODEL")
    found = Demand(spec, dict(models), engine_of(spec.engine), server, reserve, expected)
    for name in used:
        found.quant(name)
    return found


def changed(asked: Demand, spec: SwarmSpec) -> Demand:
    """The same models under another swarm file; what was measured is kept where the engine is the same."""
    engine = engine_of(spec.engine)
    return replace(asked, spec=spec, engine=engine, memo={}, needs=asked.needs if engine == asked.engine else {})
