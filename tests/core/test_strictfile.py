"""Files that people write: read strictly, every mistake with its line."""

import pytest
from pydantic import Field

from swarmctl.core.strict import Strict
from swarmctl.core.strictfile import read
from swarmctl.errors import SpecError


class Inner(Strict):
    size: int = Field(ge=1)


class Outer(Strict):
    name: str
    inner: Inner
    maybe: Inner | None = None
    parts: dict[str, Inner] = Field({})


GOOD = b"name: a\ninner: {size: 3}\nparts:\n  x: {size: 1}\n"


def test_a_good_file_is_its_value() -> None:
    assert read(GOOD, "f.yml", Outer) == Outer(name="a", inner=Inner(size=3), parts={"x": Inner(size=1)})


def test_every_mistake_is_listed_with_line_and_column() -> None:
    text = b"name: 3\ninner:\n  sise: 3\nparts:\n  x: {size: 0}\nmaybe: {siz: 2}\n"
    with pytest.raises(SpecError) as error:
        read(text, "f.yml", Outer)
    assert error.value.message == "f.yml has 6 mistakes"
    assert error.value.detail.splitlines() == [
        "f.yml:1:7: name: must be a valid string, not 3",
        "f.yml:3:3: inner.sise: unknown key; did you mean 'size'?",
        "f.yml:3:3: inner.size: is missing",
        "f.yml:5:13: parts.x.size: must be greater than or equal to 1, not 0",
        "f.yml:6:8: maybe.size: is missing",
        "f.yml:6:9: maybe.siz: unknown key; did you mean 'size'?",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "empty"),
        (b"- 1\n", "must be a mapping"),
        (b"7\n", "must be a mapping"),
        (b"name: [\n", "f.yml:2:1"),
        (b"\tname: a\n", "a tab"),
        (b"name: &x a\ninner: {size: 3}\n", "anchor"),
        (b"name: a\ninner: {size: 3}\nname: b\n", "'name' stands twice here; the first is on line 1"),
        (b"\xff\xfe", "UTF-8"),
        (b"a: " + b"[" * 100_000, "nested deeper"),
        (b"#" * 300_000, "bytes"),
    ],
)
def test_what_is_no_such_file_is_refused(text: bytes, says: str) -> None:
    with pytest.raises(SpecError) as error:
        read(text, "f.yml", Outer)
    assert says in error.value.detail


def test_words_of_yaml_1_1_are_words() -> None:
    assert read(b"name: no\ninner: {size: 3}\n", "f.yml", Outer).name == "no"
    assert read(b'name: "3"\ninner: {size: 3}\n', "f.yml", Outer).name == "3"
