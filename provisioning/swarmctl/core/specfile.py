"""A swarm file's bytes and the command line's overrides into a SwarmSpec, with every mistake at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from swarmctl.core.parts.mistakes import mistakes as misplaced
from swarmctl.core.spec import ORCHESTRATOR, SwarmSpec
from swarmctl.core.strictfile import Book, Path, did_you_mean, dotted, refuse, validated
from swarmctl.core.yamltree import Mistake, Node, Unreadable, read_tree

_HINT = "swarmctl schema"


@dataclass(frozen=True, slots=True)
class Override:
    """A value given by a flag: `--context 8192` is Override(("engine", "context"), 8192, "--context")."""

    path: Path
    value: Any
    flag: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A spec, and for each of its values where it came from (`swarm.yml:12`, `--context`; absent: a default)."""

    spec: SwarmSpec
    source: str
    origins: Mapping[str, str]


def load(raw: bytes, *, source: str, overrides: Sequence[Override] = ()) -> Loaded:
    """Read a swarm file. Raises SpecError that lists every mistake with file, line and path."""
    try:
        root, mistakes = read_tree(raw)
    except Unreadable as e:
        raise refuse(source, e.mistakes, _HINT) from None
    if not isinstance(root.value, dict):
        mistakes.append(Mistake(root.line, root.column, "", "a swarm file is a mapping: `name: …`"))
        raise refuse(source, mistakes, _HINT)
    book = _Book(root, source)
    for override in overrides:
        book.override(override)
    plain = root.plain()
    spec, wrong = validated(SwarmSpec, plain, book)
    wrong += _dangling(plain, book)
    if spec is not None:
        wrong += _impossible(spec, book)
    if mistakes or wrong:
        raise refuse(source, [*mistakes, *wrong], _HINT)
    assert spec is not None  # noqa: S101 - no mistake means that it was built
    return Loaded(spec, source, book.origins())


@dataclass(slots=True)
class _Book(Book):
    """Knows the place of every path in the file, flags included."""

    def override(self, item: Override) -> None:
        """Put a flag's value into the tree; what stands in its way is replaced."""
        node = self.root
        for key in item.path[:-1]:
            if not isinstance(node.value, dict):
                return
            child = node.value.get(key)
            if child is None or not isinstance(child.value, dict):
                child = Node({}, 0, 0)
                node.value[key] = child
            node = child
        if isinstance(node.value, dict):
            node.value[item.path[-1]] = _as_node(item.value)
            self.flags[item.path] = item.flag

    def origins(self) -> dict[str, str]:
        """Dotted path of every value that was given → where it was given."""
        found: dict[str, str] = {}

        def walk(node: Node, path: Path) -> None:
            children = node.value.items() if isinstance(node.value, dict) else ()
            for key, child in children:
                here = (*path, key)
                if isinstance(child.value, dict):
                    walk(child, here)
                else:
                    found[dotted(here)] = self.flags.get(here) or f"{self.source}:{child.line}"

        walk(self.root, ())
        return found


def _as_node(value: Any) -> Node:
    if isinstance(value, dict):
        return Node({key: _as_node(child) for key, child in value.items()}, 0, 0)
    if isinstance(value, list):
        return Node([_as_node(child) for child in value], 0, 0)
    return Node(value, 0, 0)


def _dangling(plain: Any, book: _Book) -> list[Mistake]:
    """References that lead nowhere, found even when the rest of the file is wrong."""
    wrong: list[Mistake] = []
    models, roles = plain.get("models"), plain.get("roles")
    if isinstance(roles, dict) and roles:
        if ORCHESTRATOR not in roles:
            near = did_you_mean(ORCHESTRATOR, roles).replace("did you mean", "is it")
            wrong.append(book.mistake(("roles",), f"no role is called 'orchestrator', which leads the team{near}"))
        for name, role in roles.items():
            model = role.get("model") if isinstance(role, dict) else None
            if isinstance(model, str) and isinstance(models, dict) and model not in models:
                message = f"{model!r} is not in models{did_you_mean(model, models)}"
                wrong.append(book.mistake(("roles", name, "model"), message))
    for name, source in models.items() if isinstance(models, dict) else ():
        for key in ("base", "draft"):
            other = source.get(key) if isinstance(source, dict) else None
            if isinstance(other, str) and (other == name or other not in models):
                why = "is the model itself" if other == name else f"is not in models{did_you_mean(other, models)}"
                wrong.append(book.mistake(("models", name, key), f"{other!r} {why}"))
    return wrong


def _impossible(spec: SwarmSpec, book: _Book) -> list[Mistake]:
    """Values that are fine alone and impossible together."""
    wrong = []
    for name, role in spec.roles.items():
        output, context = role.output or spec.limits.output, spec.context_of(name)
        if output >= context:
            message = f"an answer of {output} tokens leaves no room in a context of {context}"
            where = ("roles", name, "output") if role.output else ("roles", name)
            wrong.append(book.mistake(where, message))
    for name, source in spec.models.items():
        base = spec.models.get(source.base or "")
        if base is not None and base.base is not None:
            message = f"{source.base!r} is itself an edit of {base.base!r}: name that one"
            wrong.append(book.mistake(("models", name, "base"), message))
    if ORCHESTRATOR in spec.roles and spec.roles[ORCHESTRATOR].optional:
        message = "the orchestrator leads the team: it cannot be optional"
        wrong.append(book.mistake(("roles", ORCHESTRATOR, "optional"), message))
    return [*wrong, *misplaced(spec, book)]
