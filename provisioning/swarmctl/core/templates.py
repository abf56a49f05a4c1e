"""Jinja templates by name, and where what they compile to is kept between two commands."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from jinja2 import BytecodeCache, DictLoader, Environment, StrictUndefined

Filters = tuple[tuple[str, Callable[[Any], str]], ...]


class Templates(dict[str, str]):
    """Texts by name. kept: where compiled ones are looked for first, and left; None for nowhere."""

    def __init__(self, texts: Mapping[str, str], kept: BytecodeCache | None = None) -> None:
        super().__init__(texts)
        self.kept = kept


def environment(
    texts: Mapping[str, str], suffix: str = "", *, lstrip: bool = False, filters: Filters = ()
) -> Environment:
    """The same for equal texts: reading a template takes longer than filling it. suffix: of the names in it.

    A name that is not there is an error. Nothing is escaped: what is written is no HTML.
    """
    kept = texts.kept if isinstance(texts, Templates) else None
    return _environment(tuple(texts.items()), suffix, lstrip, filters, _Kept(kept))


class _Kept:
    """Equal wherever it is kept: that changes nothing of what comes out."""

    def __init__(self, kept: BytecodeCache | None) -> None:
        self.kept = kept

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Kept)

    def __hash__(self) -> int:
        return 0


@cache
def _environment(
    texts: tuple[tuple[str, str], ...], suffix: str, lstrip: bool, filters: Filters, kept: _Kept
) -> Environment:
    found = Environment(
        loader=DictLoader({f"{name}{suffix}": text for name, text in texts}),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=lstrip,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - as above
        bytecode_cache=kept.kept,
    )
    found.filters |= dict(filters)
    return found
