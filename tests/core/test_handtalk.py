"""What two machines say to each other: values come back as they were, and nonsense is told from them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmctl.core.handtalk import failure, line, packed, raised, read, unpacked
from swarmctl.core.machine import Gpu, Machine
from swarmctl.core.observed import Observed, RunningService, Source
from swarmctl.core.plan import Plan, Step, Verb
from swarmctl.core.stack import Service, Stack
from swarmctl.errors import CapacityError, HostError

MACHINE = Machine("box", "Linux x86_64", 4, 8000, 7000, 90000, (Gpu("A100", 40960, "8.0", "GPU-1"),))
OBSERVED = Observed(
    MACHINE,
    home="01234567",
    sources={"path:/x": Source("sha256:ab", held=True)},
    services=(RunningService("engine-m", "aa", "running", 7, 1, "exit 1", 12.5),),
    ports={"engine-m": 21000},
    busy=frozenset({21001, 21002}),
    prompts={"backend": "You write."},
)
STACK = Stack("mine", "slot-0", "cpu", (Service("engine-m", "engine", "m", {"context": 512, "tools": ["a"]}),))
PLAN = Plan("mine", (STACK,), (Step(Verb.LOAD, "slot-0", "m", "not here"),), ports={"engine-m": 21000})


@pytest.mark.parametrize("value", [OBSERVED, PLAN])
def test_a_value_comes_back_as_it_was(value: Observed | Plan) -> None:
    again = unpacked(type(value), json.loads(json.dumps(packed(value))))
    assert again == value


def test_settings_keep_the_hash_that_they_had() -> None:
    again = unpacked(Plan, json.loads(json.dumps(packed(PLAN))))
    assert again.stacks[0].service("engine-m").hash == STACK.service("engine-m").hash


@pytest.mark.parametrize(
    "raw",
    [None, 7, [], {}, {"machine": None}, {"machine": {"name": "x"}}, {**packed(OBSERVED), "services": [{"name": 1}]}],
)
def test_what_another_machine_says_is_not_believed(raw: Any) -> None:
    with pytest.raises(ValueError, match="this is no Observed"):
        unpacked(Observed, raw)


def test_a_line_is_told_from_what_else_is_printed() -> None:
    said = read(line("tell", {"step": 1}))
    assert said is not None
    assert (said.kind, said.value) == ("tell", {"step": 1})
    for other in ("", "warning: x", "{", "{}", '{"hand": 7}', "[" * 100_000, "{" * 100_000):
        assert read(other) is None


@given(st.text())
def test_no_line_is_a_traceback(text: str) -> None:
    read(text)
    read("{" + text)


def test_an_error_is_raised_as_what_it_was() -> None:
    made = raised(failure(CapacityError("too large", detail="by 3 GB", hint="swarmctl plan")), "box")
    assert type(made) is CapacityError
    assert (made.message, made.detail, made.hint) == ("too large", "by 3 GB", "swarmctl plan")


@pytest.mark.parametrize("raw", [None, 7, {}, {"kind": "SystemExit"}, {"kind": "ClassVar"}, {"kind": "__doc__"}])
def test_an_error_of_no_kind_of_ours_is_one_of_the_machine(raw: Any) -> None:
    made = raised(raw, "box")
    assert type(made) is HostError
    assert made.message == "box: it failed without a word"
