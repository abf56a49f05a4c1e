"""Labels: whose a machine is can be read back to the letter, and nobody else's text is ever taken for ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmctl.core.leasing.label import Label, nonce_at, parse, resembles
from swarmctl.errors import SpecError

OWNER, NONCE = "0123456789abcdef", "fedcba9876543210"
LABEL = Label("seven", OWNER, NONCE, 1_800_000_000)
TEXT = f"swarmctl/seven/{OWNER}/{NONCE}/exp-1800000000"
nonces = st.text("0123456789abcdef", min_size=8, max_size=32)
names = st.from_regex(r"[a-z][a-z0-9-]{0,30}", fullmatch=True)


def test_a_label_is_written_so() -> None:
    assert str(LABEL) == TEXT
    assert parse(TEXT) == LABEL


@given(names, nonces, nonces, st.integers(1, 99_999_999_999))
def test_every_label_is_read_back_as_it_was(swarm: str, owner: str, nonce: str, expires: int) -> None:
    label = Label(swarm, owner, nonce, expires)
    assert parse(str(label)) == label
    assert len(str(label)) < 256, "the market takes no more"


@given(st.text(max_size=80))
def test_a_text_that_is_read_is_written_back_as_it_was(text: str) -> None:
    for one in (text, f"swarmctl/{text}", TEXT.replace("seven", text), TEXT.replace("1800000000", text)):
        found = parse(one)
        assert found is None or str(found) == one


@pytest.mark.parametrize(
    "text",
    [
        None, 5, b"x", [], "", "swarmctl/", "swarmctl/seven", TEXT + " ", " " + TEXT, TEXT + "\n", TEXT[1:],
        TEXT[:-1] + "x",
        TEXT.upper(), TEXT.replace("swarmctl/", "swarmctl//"), TEXT.replace("swarmctl", "swarmctl2"),
        TEXT.replace("exp-1800000000", "exp-01"), TEXT.replace("exp-1800000000", "exp-0"),
        TEXT.replace("exp-1800000000", "exp--5"), TEXT.replace("exp-1800000000", "exp-1800000000000"),
        TEXT.replace("exp-1800000000", "exp-\u0661"), TEXT.replace(OWNER, "0" * 7), TEXT.replace(OWNER, "0" * 33),
        TEXT.replace(OWNER, "g" * 16), TEXT.replace(OWNER, "A" * 16), TEXT.replace("seven", "7even"),
        TEXT.replace("seven", "a" * 32), TEXT.replace("seven", "se/ven"), TEXT.replace("seven", ""), "x" * 10**6,
    ],
)  # fmt: skip
def test_anything_else_is_not_ours(text: object) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("swarm", ["", "Seven", "-a", "a/b", "a b", "a\n", "a" * 32, "../../x", "a\x00", "é"])
def test_a_hostile_name_is_refused(swarm: str) -> None:
    with pytest.raises(SpecError, match="cannot stand in a label"):
        Label(swarm, OWNER, NONCE, 5)


@pytest.mark.parametrize(("owner", "nonce"), [("", NONCE), (OWNER, ""), ("G" * 8, NONCE), (OWNER, "0" * 33)])
def test_a_hostile_nonce_is_refused(owner: str, nonce: str) -> None:
    with pytest.raises(SpecError, match="hexadecimal"):
        Label("seven", owner, nonce, 5)


@pytest.mark.parametrize("expires", [0, -1, 10**11, 1.5, float("nan")])
def test_a_time_that_is_none_is_refused(expires: int) -> None:
    with pytest.raises(SpecError, match="no time"):
        Label("seven", OWNER, NONCE, expires)


def test_the_longest_label_is_short_enough() -> None:
    assert len(str(Label("a" * 31, "f" * 32, "f" * 32, 99_999_999_999))) < 140


def test_it_is_over_from_its_second_on() -> None:
    assert not LABEL.expired(1_799_999_999.9)
    assert LABEL.expired(1_800_000_000)
    assert LABEL.expired(1_800_000_000.1)
    assert not LABEL.expired(float("nan"))


def test_extending_changes_the_expiry_alone() -> None:
    later = LABEL.until(1_900_000_000)
    assert (later.swarm, later.owner, later.nonce, later.expires) == ("seven", OWNER, NONCE, 1_900_000_000)


def test_a_nonce_says_when_it_was_made() -> None:
    label = Label("seven", OWNER, nonce_at(1_799_990_000.7, "abcdef0123456789"), 1_800_000_000)
    assert len(label.nonce) == 24
    assert label.born(1_799_999_000) == 1_799_990_000
    assert label.born(1_799_990_000) == 1_799_990_000
    assert label.born(1_799_989_999) is None, "a time to come is none"
    five = 5 * 366 * 86400
    assert label.until(10**10).born(1_799_990_000 + five) == 1_799_990_000
    assert label.until(10**10).born(1_799_990_001 + five) is None, "nobody rents for longer than five years"
    assert Label("seven", OWNER, nonce_at(1_800_000_000, "ab"), 1_800_000_000).born(1_800_000_001) is None
    assert parse(str(label)) == label


def test_what_only_looks_like_ours_is_told_apart() -> None:
    assert resembles("swarmctl/seven")
    assert resembles(TEXT)
    assert not resembles("swarmctl")
    assert not resembles(None)
    assert not resembles("my swarmctl/seven")
