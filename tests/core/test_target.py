"""Where a swarm runs: one target, what it implies for the runtime, and every mistake named with its place."""

from decimal import Decimal

import pytest

from swarmctl.core.spec import SwarmSpec
from swarmctl.core.specfile import load
from swarmctl.errors import SpecError

FILE = "name: x\nmodels: {a: {hf: o/n, file: a.gguf}}\nroles: {orchestrator: {model: a}}\n"


def read(more: str) -> SwarmSpec:
    return load((FILE + more).encode(), source="x.yml").spec


@pytest.mark.parametrize("more", ["", "target:\n  local:\n", "target: {local: {}}\n"])
def test_it_is_this_machine_where_nothing_else_is_named(more: str) -> None:
    spec = read(more)
    assert spec.target.is_here
    assert (spec.runtime, spec.engine.kind) == ("process", "llamacpp")


@pytest.mark.parametrize("more", ["target: {vast: {}}\n", "target:\n  vast:\n", "target: {ssh: {hosts: [gpu1]}}\n"])
def test_another_machine_runs_containers_and_ollama_where_nothing_is_said(more: str) -> None:
    spec = read(more)
    assert not spec.target.is_here
    assert (spec.runtime, spec.engine.kind) == ("compose", "ollama")


@pytest.mark.parametrize(
    "more", ["", "target: {local: {}}\n", "target: {vast: {gpu: a100}}\n", "target: {ssh: {hosts: [a]}}\n"]
)
def test_what_is_written_out_is_read_back(more: str) -> None:
    spec = read(more)
    assert SwarmSpec.model_validate_json(spec.model_dump_json()) == spec
    assert SwarmSpec.model_validate(spec.model_dump()) == spec


def test_what_the_file_says_of_runtime_and_engine_stays() -> None:
    spec = read("target: {vast: {}}\nruntime: compose\nengine: {kind: llamacpp}\n")
    assert spec.engine.kind == "llamacpp"


@pytest.mark.parametrize("target", ["vast: {}", "ssh: {hosts: [a]}"])
def test_processes_may_be_asked_for_on_another_machine(target: str) -> None:
    spec = read(f"target: {{{target}}}\nruntime: process\n")
    assert (spec.runtime, spec.engine.kind) == ("process", "llamacpp")


def test_money_is_read_by_its_digits_and_time_by_its_units() -> None:
    vast = read("target: {vast: {max_price: 1.20, budget: '$25', ttl: 2h, idle: 0}}\n").target.vast
    assert vast is not None
    assert (vast.max_price, vast.budget, vast.ttl, vast.idle) == (Decimal("1.2"), Decimal(25), 7200, 0)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("target: {vast: {}, ssh: {hosts: [a]}}\n", "target: name one of local, ssh, vast, slots (found ssh, vast)"),
        ("target: {vast: {ttl: 5m}}\n", "target.vast: ttl: 300 s are over before the machine is ready"),
        ("target: {vast: {max_price: nope}}\n", "target.vast.max_price: 'nope' is no amount of money"),
        ("target: {vast: {budget: 0}}\n", "target.vast.budget: 0 is no amount of dollars to spend"),
        ("target: {vast: {budget: true}}\n", "target.vast.budget: "),
        ("target: {ssh: {hosts: []}}\n", "target.ssh.hosts: "),
        ("target: {ssh: {hosts: ['-oProxyCommand=x']}}\n", "target.ssh.hosts"),
        ("target: {cloud: {}}\n", "target.cloud: "),
        ("target: {vast: {}}\nprivacy: own-hardware\n", "own-hardware refuses a rented machine"),
    ],
)
def test_a_mistake_is_named_with_its_place(more: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        read(more)
    assert said in caught.value.detail
    assert "x.yml:" in caught.value.detail
