"""What the guard takes up of its settings and of its memory, figure by figure, and what it refuses."""

import json
from typing import Any

import pytest

from fakes.guarding import GUARD

GIVEN: dict[str, Any] = {
    "url": "https://market", "instance": 42, "key_file": "/k", "since": 1000, "deadline": 9000, "budget": 5,
    "idle": 60, "price": 7, "grace": 30,
}  # fmt: skip
MOST = 10**15 - 1


def settings(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = GUARD.settings(json.dumps({**GIVEN, **changes}))
    return found


def test_what_is_not_said_is_the_usual() -> None:
    found = settings()
    assert found["terms"] == GUARD.Terms(9000, 1000, 7, 5, 0, 60, 30, 60, "save-then-destroy")
    assert (found["url"], found["instance"], found["key_file"]) == ("https://market", "42", "/k")
    assert (found["down"], found["up"], found["marks"]) == (0, 0, list(GUARD.MARKS))
    assert GUARD.MARKS == ("run/swarmctl", "var/lib/swarmctl/swarms/*/data/*")


def test_what_is_said_is_taken() -> None:
    more = {"reserve": 9, "spent": 8, "down": 3, "up": 4, "at_end": "stop", "marks": ["a", "b"], "url": "http://m"}
    found = settings(**more)
    assert found["terms"] == GUARD.Terms(9000, 1000, 7, 5, 8, 60, 30, 9, "stop")
    assert (found["down"], found["up"], found["marks"], found["url"]) == (3, 4, ["a", "b"], "http://m")
    for at_end in GUARD.AT_END:
        assert settings(at_end=at_end)["terms"].at_end == at_end


LEAST = {
    "since": 1, "deadline": 1, "budget": -1, "idle": 0, "price": 0, "grace": 0, "reserve": 0, "spent": 0,
    "down": 0, "up": 0,
}  # fmt: skip


@pytest.mark.parametrize(("name", "least"), LEAST.items())
def test_every_number_has_its_bounds(name: str, least: int) -> None:
    for good in (least, MOST):
        found = settings(**{name: good})
        assert found.get(name, getattr(found["terms"], name, None)) == good
    for bad in (least - 1, MOST + 1, True, 1.0, "1", None):
        with pytest.raises(GUARD.GuardError, match=f"^{name} is no whole number of at least {least}$"):
            settings(**{name: bad})


@pytest.mark.parametrize("name", ["since", "deadline", "budget", "idle", "price", "grace", "url", "instance"])
def test_what_it_cannot_do_without_is_missed(name: str) -> None:
    with pytest.raises(GUARD.GuardError, match=name):
        GUARD.settings(json.dumps({key: value for key, value in GIVEN.items() if key != name}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "ftp://x"}, "url is no http address"), ({"url": True}, "url is missing"),
        ({"url": ["http://x"]}, "url is missing"), ({"key_file": ""}, "key_file is missing"),
        ({"instance": "x7"}, "instance is no number"), ({"instance": False}, "instance is missing"),
        ({"at_end": None}, "at_end is none of"), ({"marks": "run"}, "marks is no list"),
        ({"marks": ["run", 5]}, "marks is no list"), ({"marks": ["run", ""]}, "marks is no list"),
    ],
)  # fmt: skip
def test_what_it_cannot_guard_by_is_named(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(GUARD.GuardError, match=words):
        settings(**changes)


@pytest.mark.parametrize(("text", "words"), [("{", "no JSON"), ("[]", "no object"), ('"x"', "no object")])
def test_a_text_that_is_no_settings(text: str, words: str) -> None:
    with pytest.raises(GUARD.GuardError, match=words):
        GUARD.settings(text)


ANCHOR = {"at": 1, "wall": 2, "boot": 3, "boot_id": "x"}
STATE: dict[str, Any] = {"anchor": ANCHOR, "last": 1, "used": 2, "next": 3, "tries": 4, "bytes": [1, 2]}


class Text:
    """A machine whose memory is a text."""

    def __init__(self, text: str | None) -> None:
        self.text = text

    def read(self, name: str) -> str | None:
        assert name == "var/lib/swarmctl/guard.state"
        return self.text


def test_a_memory_that_is_whole_is_kept() -> None:
    for state in (STATE, {"anchor": ANCHOR}, {**STATE, "counted": [5, 6], "warned": "300"}):
        assert GUARD._state(Text(json.dumps(state))) == state


def without(name: str) -> dict[str, Any]:
    return {**STATE, "anchor": {key: value for key, value in ANCHOR.items() if key != name}}


@pytest.mark.parametrize(
    "state",
    [
        *[without(name) for name in ANCHOR], *[{**STATE, name: "x"} for name in ("last", "used", "next", "tries")],
        *[{**STATE, name: value} for name in ("bytes", "counted") for value in ([1], [1, 2, 3], ["x", 1], "ab", 5)],
        {"used": 1}, {**STATE, "anchor": [1]}, {**STATE, "anchor": {**ANCHOR, "boot_id": 5}}, [], 5, None,
    ],
)  # fmt: skip
def test_a_memory_that_is_not_whole_is_none(state: Any) -> None:
    assert GUARD._state(Text(json.dumps(state))) == {}
    assert GUARD._state(Text(None)) == GUARD._state(Text("{")) == {}
