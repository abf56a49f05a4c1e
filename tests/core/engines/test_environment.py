"""What an Ollama server is told: every value written, none left to its tiers."""

from dataclasses import replace

from fakes.seven import A6000, box, seven
from swarmctl.core.engines.engine import engine_of
from swarmctl.core.engines.environment import ollama_environment
from swarmctl.core.placement.demand import demand
from swarmctl.core.placement.place import place
from swarmctl.core.placement.placement import Placement


def environment(**engine: object) -> dict[str, str]:
    asked = demand(*seven(based=False, engine={"kind": "ollama", **engine}))
    placed = place(asked, box(A6000))
    assert isinstance(placed, Placement)
    engine_now = engine_of(asked.spec.engine)
    return dict(ollama_environment(engine_now, placed.processes, placed.max_loaded[0], placed.keep_alive["docs"]))


def test_the_current_kind() -> None:
    assert environment(kv="q8_0", cache_ram=1024) == {
        "OLLAMA_HOST": "127.0.0.1:11434",
        "OLLAMA_MAX_LOADED_MODELS": "7",
        "OLLAMA_NUM_PARALLEL": "1",
        "OLLAMA_KEEP_ALIVE": "86400s",
        "OLLAMA_CONTEXT_LENGTH": "8192",
        "OLLAMA_FLASH_ATTENTION": "1",
        "OLLAMA_KV_CACHE_TYPE": "q8_0",
        "OLLAMA_LOAD_TIMEOUT": "10m",
        "OLLAMA_NO_CLOUD": "1",
        "GOMP_SPINCOUNT": "500",
        "LLAMA_ARG_CACHE_RAM": "1024",
        "LLAMA_ARG_FIT_TARGET": "256",
    }


def test_the_old_kind_knows_no_arguments_of_llama_server() -> None:
    found = environment(version="0.24.0", kv="q8_0")
    assert not any(name.startswith("LLAMA_ARG") for name in found)
    assert (found["OLLAMA_KV_CACHE_TYPE"], found["OLLAMA_FLASH_ATTENTION"]) == ("q8_0", "1")


def test_loading_may_take_twice_what_a_slow_disk_needs() -> None:
    asked = demand(*seven(based=False, engine={"kind": "ollama"}))
    placed = place(asked, box(A6000))
    assert isinstance(placed, Placement)
    heavy = replace(placed.processes[0].weights, rest=60 * 10**9)
    process = replace(placed.processes[0], weights=heavy)
    assert ollama_environment(asked.engine, [process], 1, -1)["OLLAMA_LOAD_TIMEOUT"] == "20m"
    assert ollama_environment(asked.engine, [process], 1, -1)["OLLAMA_KEEP_ALIVE"] == "-1"
