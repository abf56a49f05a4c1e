"""The table of parts, in the order in which they stand on each other."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ground import bases, engine, hosts, models, registry, store, tinyrandom, tokenizers
from ground.images import Image, Recipe
from ground.places import BUILD, HOST_CARD, LLAMA_CPP, OLLAMA, OLLAMA_OLD, OLLAMA_VULKAN


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the ground: `ready` says in words what is there, or None; `make` makes it or raises GroundError."""

    name: str
    ready: Callable[[], str | None]
    make: Callable[[], None]
    needs: tuple[str, ...] = ("engine",)
    down: Callable[[], str] | None = None


def _base(suite: str) -> Part:
    return Part(suite, bases.base(suite).ready, partial(bases.make, suite))


def _built(name: str, recipe: Recipe, *needs: str) -> Part:
    return Part(name, recipe.image.ready, recipe.make, ("engine", *needs))


def _version(tag: str) -> str:
    return tag.rpartition(":")[2]


_forky: tuple[Image, ...] = (bases.base("forky"),)
_llama = Recipe(LLAMA_CPP, "llama.cpp", "", {"BUILD": str(BUILD)}, _forky, official=False)
_ollama = Recipe(OLLAMA, "ollama", "current", {"VERSION": _version(OLLAMA)}, _forky)
_card = Recipe(HOST_CARD, "host-card", "", {"LLAMA": LLAMA_CPP}, (_llama.image,), official=False)
_vulkan = Recipe(OLLAMA_VULKAN, "ollama-vulkan", "", {"OLLAMA": OLLAMA}, (_ollama.image,), official=False)
_old = Recipe(OLLAMA_OLD, "ollama", "old", {"VERSION": _version(OLLAMA_OLD)}, _forky)

PARTS = (
    Part("engine", engine.ready, engine.make, (), engine.down),
    Part("registry", registry.ready, registry.make, ("engine",), registry.down),
    Part("models", models.ready, models.make, ()),
    Part("store", store.ready, store.make, ("models",)),
    Part("tiny", tinyrandom.ready, tinyrandom.make, ()),
    Part("tokenizers", tokenizers.ready, tokenizers.make, ()),
    *(_base(suite) for suite in bases.SUITES),
    _built("llama.cpp", _llama, "forky"),
    _built("ollama", _ollama, "forky"),
    _built("ollama-vulkan", _vulkan, "forky", "ollama"),
    _built("ollama-old", _old, "forky"),
    *(_built(name, recipe, recipe.args["SUITE"]) for name, recipe in hosts.RECIPES.items()),
    _built("host-card", _card, "llama.cpp"),
)


def chosen(names: list[str]) -> list[Part]:
    """Those named and what they stand on, in order; all where none is named.

    Raises: KeyError for a name that is none.
    """
    known = {part.name: part for part in PARTS}
    wanted, ahead = set(), list(names or known)
    while ahead:
        name = ahead.pop()
        wanted.add(name)
        ahead += [need for need in known[name].needs if need not in wanted]
    return [part for part in PARTS if part.name in wanted]
