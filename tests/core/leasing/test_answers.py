"""What an answer means is in its body: a 404 is not "gone", and a 200 is not "done"."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmctl.core.leasing.account import Charge, PublicKey, read_account, read_charges, read_keys
from swarmctl.core.leasing.answers import Said, Trouble, judge

NO_ASK = "error 404/3603: no_such_ask Instance type by id 7 is not available."


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (200, {"success": True}, None),
        (200, {"instances": None}, None),
        (200, [], None),
        (200, {"success": False, "error": "x"}, Trouble.ODD),
        (200, {"success": False}, Trouble.ODD),
        (299, {"success": True}, None),
        (300, {"success": True}, Trouble.ODD),
        (199, {"success": True}, Trouble.ODD),
        (200, {"success": False, "error": "no_such_instance"}, Trouble.GONE),
        (410, {"success": False, "error": "no_such_instance"}, Trouble.GONE),
        (400, {"success": False, "error": "not_authorized"}, Trouble.FORBIDDEN),
        (400, {"success": False, "error": ["x"]}, Trouble.REFUSED),
        (399, {"success": False}, Trouble.ODD),
        (200, {"success": "yes"}, Trouble.ODD),
        (200, {"error": "something"}, Trouble.ODD),
        (200, {"success": False, "error": "insufficient_credit"}, Trouble.CREDIT),
        (200, "<html>", Trouble.ODD),
        (200, "", Trouble.ODD),
        (200, "null", Trouble.ODD),
        (200, "5", Trouble.ODD),
        (302, {}, Trouble.ODD),
        (400, {"success": False, "error": "invalid_args", "msg": "error 400/3467: bad"}, Trouble.REFUSED),
        (400, {"success": False, "error": "no_ssh_key_for_vm"}, Trouble.NO_SSH_KEY),
        (400, {"success": False, "error": "invalid_price"}, Trouble.PRICE),
        (400, {"success": False, "error": "invalid_token"}, Trouble.KEY),
        (400, {"success": False, "error": "spend_rate_limit"}, Trouble.SPEND),
        (401, {"msg": "Unauthorized"}, Trouble.KEY),
        (402, {}, Trouble.CREDIT),
        (403, {"success": False, "error": "whatever"}, Trouble.FORBIDDEN),
        (404, {"success": False, "error": "auth_error", "msg": "Invalid user key"}, Trouble.KEY),
        (404, {"success": False, "msg": "Session expired, please log in"}, Trouble.KEY),
        (404, {"success": False, "error": "no_such_instance"}, Trouble.GONE),
        (404, {"success": False, "error": "invalid_args", "msg": NO_ASK}, Trouble.OFFER_GONE),
        (410, {"success": False, "error": "no_such_ask"}, Trouble.OFFER_GONE),
        (410, {"error": "deprecated_endpoint"}, Trouble.OUTDATED),
        (404, "<html>not found</html>", Trouble.REFUSED),
        (404, {}, Trouble.REFUSED),
        (500, {"success": False, "error": "no_such_instance"}, Trouble.BROKEN),
        (403, {"success": False, "error": "no_such_instance"}, Trouble.FORBIDDEN),
        (429, "API requests too frequent: endpoint threshold=4.5", Trouble.BUSY),
        (429, {"error": "search_quota_exceeded"}, Trouble.QUOTA),
        (500, "", Trouble.BROKEN),
        (502, "<html>502</html>", Trouble.BROKEN),
        (503, {}, Trouble.BROKEN),
    ],
)
def test_every_answer_is_told_by_its_body(status: int, body: Any, trouble: Trouble | None) -> None:
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    assert judge(status, raw).trouble is trouble


def test_a_contract_is_seen_with_an_error_too() -> None:
    raw = json.dumps({"success": False, "error": "invalid_price", "new_contract": 77}).encode()
    assert (judge(400, raw).contract, judge(400, raw).trouble) == ("77", Trouble.PRICE)
    assert judge(200, b'{"success": true, "new_contract": 77}').contract == "77"
    for odd in (b'{"new_contract": -1}', b'{"new_contract": true}', b'{"new_contract": "../1"}', b"[77]"):
        assert judge(200, odd).contract == ""


def test_how_long_to_wait_is_read_from_plain_text() -> None:
    assert judge(429, b"API requests too frequent: endpoint threshold=4.5").wait == 4.5
    assert judge(429, b"too frequent").wait == 0.0
    assert judge(500, b"threshold=4.5").wait == 0.0


def test_the_markets_words_are_kept_short_and_on_one_line() -> None:
    found = judge(500, b"line\n" * 5000)
    assert len(found.said) <= 300
    assert "\n" not in found.said
    assert judge(400, b'{"error": "a", "msg": "b", "message": 5}').said == "a: b"
    assert judge(400, b'{"message": "c", "detail": "d"}').said == "c: d"
    assert judge(400, b'{"x":  1}').said == '{"x": 1}'
    assert judge(400, b"odd \xff").said == "odd \N{REPLACEMENT CHARACTER}"


def test_what_an_answer_does_not_say_is_nothing() -> None:
    assert Said(200, {}) == Said(200, {}, None, "", 0.0, "")


@given(st.integers(0, 999), st.binary(max_size=60))
def test_no_bytes_break_it(status: int, body: bytes) -> None:
    found = judge(status, body)
    assert found.trouble is not None or 200 <= status < 300


def test_nesting_without_end_is_no_answer() -> None:
    assert judge(200, b"[" * 100_000).trouble is Trouble.ODD


def test_what_passes_by_itself() -> None:
    assert {t for t in Trouble if t.passing} == {Trouble.BUSY, Trouble.BROKEN, Trouble.ODD}


def test_the_account_is_read() -> None:
    assert read_account({"id": 5, "credit": 12.5}) == read_account({"id": "5", "credit": "12.5"})
    found = read_account({"id": 5, "credit": float("nan")})
    assert found is not None
    assert found.credit is None
    assert read_account([]) is None


def test_keys_are_read_in_every_form_that_was_seen() -> None:
    bare = [{"id": 1, "key": "ssh-ed25519 AAAA me"}, {"id": 2, "public_key": "ssh-rsa BBBB"}]
    assert read_keys(bare) == (PublicKey("1", "ssh-ed25519 AAAA me"), PublicKey("2", "ssh-rsa BBBB"))
    assert read_keys({"ssh_keys": bare}) == read_keys(bare)
    assert read_keys([{"id": 1, "key": "x", "deleted_at": "2026"}, 5]) == ()
    assert read_keys({"a": 1}) is None
    assert PublicKey("1", "ssh-ed25519 AAAA me").body == "ssh-ed25519 AAAA"


def test_charges_are_read_by_kind_and_never_in_part() -> None:
    good = {
        "source": "instance-7",
        "amount": 0.5,
        "metadata": {"label": "x"},
        "items": [{"type": "gpu", "amount": 0.4}, {"type": "disk", "amount": 0.1}],
    }
    assert read_charges([good, {"source": "volume-3", "amount": 1}]) == (
        Charge("7", "x", "gpu", Decimal("0.4")),
        Charge("7", "x", "disk", Decimal("0.1")),
    )
    assert read_charges([{**good, "items": []}]) == (Charge("7", "x", "", Decimal("0.5")),)
    for broken in (5, {**good, "items": [{"type": "gpu"}]}, {**good, "source": "instance-x/y"}, {**good, "items": [7]}):
        assert read_charges([good, broken]) is None
