"""Odd YAML ends in a mistake with its place."""

import pytest

from swarmctl.core.yamltree import MAX_BYTES, Unreadable, read_tree


def plain(text: str) -> object:
    tree, mistakes = read_tree(text.encode())
    assert mistakes == []
    return tree.plain()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: no", {"a": "no"}),
        ("a: on", {"a": "on"}),
        ("a: true", {"a": True}),
        ("a: 010", {"a": "010"}),
        ("a: 1_000", {"a": 1000}),
        ("a: 1:30", {"a": "1:30"}),
        ("a: 1.5", {"a": 1.5}),
        ("a: 1e3", {"a": 1000.0}),
        ("a: 2020-01-01", {"a": "2020-01-01"}),
        ("a: '5'", {"a": "5"}),
        ("a:", {"a": None}),
        ("a: [1, {b: ~}]", {"a": [1, {"b": None}]}),
        ("﻿a: 1", {"a": 1}),
        ("a: 30m\r\nb: x\r\n", {"a": "30m", "b": "x"}),
    ],
)
def test_values_are_what_they_look_like(text: str, value: object) -> None:
    assert plain(text) == value


def test_places_count_from_one() -> None:
    tree, _ = read_tree(b"a: 1\nbb:\n  c: [x, yy]\n")
    assert (tree.value["bb"].value["c"].line, tree.value["bb"].value["c"].column) == (3, 6)
    assert tree.keys["bb"] == (2, 1)
    assert tree.value["bb"].value["c"].value[1].column == 10


@pytest.mark.parametrize(
    ("raw", "line", "words"),
    [
        (b"", 0, "empty"),
        (b"# nothing\n", 0, "empty"),
        (b"a:\n\t- b", 2, "tab"),
        (b"\xff\xfea", 1, "UTF-8"),
        (b"ok: 1\nbad: \xe9", 2, "UTF-8"),
        (b"a: \x00", 0, "binary"),
        (b"a: \x07", 0, "special characters"),
        (b"[" * 5000, 1, "deeper"),
        (b"a: " + b"{b: " * 60, 1, "deeper"),
        (b"a: 1\n---\nb: 1", 2, "second document"),
        (b"? [x]\n: 1", 1, "a key must be a word"),
        (b"a: 'x", 1, "quoted scalar"),
        (b"a: {b", 1, "flow mapping"),
        (b"a: 1\n b: 2", 2, "mapping values are not allowed"),
        (b"a: %x", 1, "cannot start any token"),
        (b"a: @x", 1, "cannot start any token"),
        (b"x" * (MAX_BYTES + 1), 0, "at most 256 KiB"),
        (b"[" * 10_000_000, 0, "at most 256 KiB"),
    ],
)
def test_what_is_no_tree(raw: bytes, line: int, words: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_tree(raw)
    last = caught.value.mistakes[-1]
    assert (last.line, words in last.message) == (line, True), last


@pytest.mark.parametrize(
    ("raw", "place", "words"),
    [
        (b"a: &x 1\n", (1, 4), "anchor (&x)"),
        (b"a: &x 1\nb: *x\n", (2, 4), "alias (*x)"),
        (b"a: &x {b: 1}\nc: {<<: *x}\n", (2, 5), "merge key"),
        (b"a: 1\nb: 2\na: 3\n", (3, 1), "the first is on line 1"),
        (b"a: !!python/object:os.system x\n", (1, 4), "tag (tag:yaml.org,2002:python/object:os.system)"),
        (b"a: !mine {b: 1}\n", (1, 4), "tag (!mine)"),
    ],
)
def test_what_swarm_files_do_not_use(raw: bytes, place: tuple[int, int], words: str) -> None:
    _, mistakes = read_tree(raw)
    assert any((m.line, m.column) == place and words in m.message for m in mistakes), mistakes


def test_laughs_do_not_multiply() -> None:
    text = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 60))
    tree, mistakes = read_tree(text.encode())
    assert len(mistakes) > 500
    assert len(str(tree.plain())) < 10_000
