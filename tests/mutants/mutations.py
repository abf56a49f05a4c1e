"""The mutants of a file: each is one small change to its syntax tree that a test should notice."""

import ast
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

Put = Callable[[ast.AST], None]
Change = tuple[str, Callable[[], None]]
Share = tuple[int, int]

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
FIGURED: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Pow: operator.pow,
}  # fmt: skip
NAMED = {"min": "max", "max": "min", "any": "all", "all": "any"}
UNTOUCHED = {"annotation", "returns", "decorator_list", "format_spec", "type_comment"}


@dataclass(frozen=True, slots=True)
class Site:
    """Where a change can be made. function: line of the outermost function that it is in the body of, else 0."""

    line: int
    function: int
    what: str
    make: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Around:
    """What a node stands in. prose: only people read its texts and figures."""

    function: int = 0
    prose: bool = False


def sites(tree: ast.Module) -> list[Site]:
    """Every change, in an order that depends on the text alone."""
    found: list[Site] = []
    for node, put, around in _walk(tree, _nowhere, _Around()):
        line = getattr(node, "lineno", getattr(getattr(node, "target", None), "lineno", 0))
        found += [Site(line, around.function, what, make) for what, make in _changes(node, put, around)]
    return found


def mutated(text: str, number: int) -> ast.Module:
    """The tree of a file with one of its changes made."""
    tree = ast.parse(text)
    sites(tree)[number].make()
    return ast.fix_missing_locations(tree)


def carried(text: str) -> set[int]:
    """Lines that are another file's word for word, between `# --- FILE` and `# ---`: they are tried there."""
    found, inside = set[int](), False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("# ---"):
            inside = line != "# ---"
        elif inside:
            found.add(number)
    return found


def tried(text: str, share: Share = (0, 1)) -> list[tuple[int, Site]]:
    """The changes that are tried, with their numbers; every n-th of them from the k-th on."""
    other = carried(text)
    found = [(number, site) for number, site in enumerate(sites(ast.parse(text))) if site.line not in other]
    return found[share[0] :: share[1]]


def first_line(function: ast.FunctionDef) -> int:
    """Where it begins, decorators included."""
    return min([function.lineno, *(one.lineno for one in function.decorator_list)])


def _nowhere(_new: ast.AST) -> None:
    raise TypeError("a module is not replaced")


def _walk(node: ast.AST, put: Put, around: _Around) -> Iterator[tuple[ast.AST, Put, _Around]]:
    yield node, put, around
    if _figure(node) is not None:
        return
    for name, value in ast.iter_fields(node):
        if name in UNTOUCHED or (isinstance(node, ast.If) and name == "body" and _for_types(node)):
            continue
        inner = _inside(node, name, around)
        if isinstance(value, ast.AST):
            yield from _walk(value, partial(setattr, node, name), inner)
        for n, child in enumerate(value if isinstance(value, list) else ()):
            if isinstance(child, ast.AST) and not _documents(node, child):
                yield from _walk(child, partial(value.__setitem__, n), inner)


def _inside(node: ast.AST, name: str, around: _Around) -> _Around:
    """A function's defaults are its module's; what an error says is prose."""
    if isinstance(node, ast.FunctionDef) and name == "body" and not around.function:
        return _Around(first_line(node), around.prose)
    return _Around(around.function, around.prose or isinstance(node, ast.Raise | ast.JoinedStr))


def _for_types(node: ast.If) -> bool:
    return isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _documents(node: ast.AST, child: ast.AST) -> bool:
    """A text that stands by itself."""
    return isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant) and hasattr(node, "body")


def _changes(node: ast.AST, put: Put, around: _Around) -> Iterator[Change]:
    figure = _figure(node)
    if figure is not None:
        if not around.prose:
            yield f"{figure!r} → {figure + 1!r}", partial(put, ast.Constant(figure + 1))
        return
    yield from _operators(node, put)
    yield from _statements(node, put)
    if isinstance(node, ast.Constant) and not around.prose:
        yield from _constant(node)


def _figure(node: ast.AST) -> float | None:
    """The value of a number, also where it is written as -1, 8 * 3600 or 10**9: one figure, and so one mutant."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) in {int, float} else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _figure(node.operand)
        return None if inner is None else -inner
    if isinstance(node, ast.BinOp) and type(node.op) in FIGURED:
        left, right = _figure(node.left), _figure(node.right)
        return None if left is None or right is None else FIGURED[type(node.op)](left, right)
    return None


def _operators(node: ast.AST, put: Put) -> Iterator[Change]:
    if isinstance(node, ast.Compare):
        for n, op in enumerate(node.ops):
            new = COMPARED[type(op)]
            yield _called(op, new), partial(node.ops.__setitem__, n, new())
    elif isinstance(node, ast.BoolOp):
        new_bool = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield _called(node.op, new_bool), partial(setattr, node, "op", new_bool())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield f"no {type(node.op).__name__}", partial(put, node.operand)
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in COMPUTED and not _joins(node):
        new_op = COMPUTED[type(node.op)]
        yield _called(node.op, new_op), partial(setattr, node, "op", new_op())
    elif isinstance(node, ast.Name) and node.id in NAMED:
        yield f"{node.id} → {NAMED[node.id]}", partial(setattr, node, "id", NAMED[node.id])


def _statements(node: ast.AST, put: Put) -> Iterator[Change]:
    if isinstance(node, ast.If | ast.IfExp | ast.While) and not (isinstance(node, ast.If) and _for_types(node)):
        if not isinstance(node, ast.While):
            yield "if True", partial(setattr, node, "test", ast.Constant(True))
        yield "if False", partial(setattr, node, "test", ast.Constant(False))
    elif isinstance(node, ast.Return) and not (isinstance(node.value, ast.Constant) and not node.value.value):
        yield "return nothing", partial(put, ast.Return(None) if node.value else ast.Pass())
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield "no filter", partial(node.ifs.clear)
    elif _acts(node):
        yield "left out", partial(put, ast.Pass())
    elif isinstance(node, ast.Break | ast.Continue):
        yield "break ↔ continue", partial(put, ast.Continue() if isinstance(node, ast.Break) else ast.Break())


def _constant(node: ast.Constant) -> Iterator[Change]:
    """Sentences are prose; what has no blank in it is a name, a key or a state."""
    value, new = node.value, None
    if isinstance(value, bool):
        new = not value
    elif isinstance(value, str) and " " not in value and "\n" not in value:
        new = value + "~x"
    if new is not None:
        yield f"{value!r} → {new!r}", partial(setattr, node, "value", new)


def _acts(node: ast.AST) -> bool:
    """A statement that is there for what it does."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    if isinstance(node, ast.Assign):
        return isinstance(node.targets[0], ast.Subscript | ast.Attribute)
    return isinstance(node, ast.AugAssign | ast.Delete | ast.Raise)


def _joins(node: ast.BinOp | ast.AugAssign) -> bool:
    """Texts put together, and types: any other operator there is no program."""
    sides = [node.value] if isinstance(node, ast.AugAssign) else [node.left, node.right]
    return any(isinstance(one, ast.JoinedStr) or (isinstance(one, ast.Constant) and one.value is None)
               or (isinstance(one, ast.Constant) and isinstance(one.value, str)) for one in sides)  # fmt: skip


def _called(old: ast.AST, new: type[ast.AST]) -> str:
    return f"{type(old).__name__} → {new.__name__}"
