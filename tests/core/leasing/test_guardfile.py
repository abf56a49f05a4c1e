"""What a guard is told: the role's own bytes, read back as they were written, and no figure that is none."""

import json
from decimal import Decimal
from typing import Any

import pytest
import yaml

from fakes.guarding import GUARD, ROOT
from swarmctl.core.leasing.guardfile import (
    MARKS,
    GuardFile,
    allowed,
    guard_file,
    micros,
    read_guard_file,
    when_it_ends,
)  # fmt: skip
from swarmctl.core.leasing.lease import Hourly
from swarmctl.core.leasing.limits import MARGIN, PARTING, Terms, ends

NOW = 1_800_000_000
TERMS = Terms(NOW + 3600, NOW, 500_000, 10_000_000, 7, 600, 900, 60, "stop")
FILE = GuardFile("https://market", "42", TERMS, 3, 4, ("/a/*",))


def test_it_is_read_back_as_it_was_written_by_us_and_by_the_guard() -> None:
    assert read_guard_file(FILE.text()) == FILE
    there = GUARD.settings(FILE.text())
    assert (there["url"], there["instance"], there["down"], there["up"], there["marks"]) == (
        "https://market", "42", 3, 4, ["/a/*"],
    )  # fmt: skip
    assert vars(there["terms"]) == vars(TERMS)


def role(name: str) -> Any:
    return yaml.safe_load((ROOT / "playbooks/roles/guard" / name).read_text())


def test_the_role_is_told_the_same_and_writes_the_same_bytes() -> None:
    said, told = role("vars/main.yml"), FILE.variables()
    defaults = {**role("defaults/main.yml"), **told}
    names = {key: value.strip("{} ").split(" ")[0] for key, value in said["guard_settings"].items() if "{{" in value}
    as_role = {key: defaults[name] for key, name in names.items()} | {"key_file": said["guard_settings"]["key_file"]}
    filters = pytest.importorskip("ansible.plugins.filter.core", reason="Ansible is not here")
    assert filters.to_nice_json(as_role, sort_keys=True) + "\n" == FILE.text()
    known = role("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert told.keys() <= known.keys()
    assert told.keys() | {"guard_key", "guard_every", "guard_checks_key"} == known.keys()


def test_the_usual_marks_are_the_roles_and_the_guards() -> None:
    assert list(MARKS) == role("defaults/main.yml")["guard_marks"]
    assert [one.lstrip("/") for one in MARKS] == list(GUARD.MARKS)
    assert FILE.key_file == role("vars/main.yml")["guard_settings"]["key_file"]


def test_money_is_rounded_so_that_no_budget_is_passed() -> None:
    assert [micros(Decimal(text)) for text in ("0", "0.0000001", "1.0000004", "2")] == [0, 1, 1_000_001, 2_000_000]
    assert [allowed(one) for one in (None, Decimal(0), Decimal("1.0000009"))] == [-1, 0, 1_000_000]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-1", "1e18"])
def test_what_is_no_money_is_refused(text: str) -> None:
    for act in (micros, allowed):
        with pytest.raises(ValueError, match="no amount"):
            act(Decimal(text))
    with pytest.raises(ValueError, match="no amount"):
        when_it_ends(NOW, Decimal(text), Decimal(1), NOW, Decimal(0))


@pytest.mark.parametrize("time", [float("nan"), float("inf")])
def test_what_is_no_time_is_refused(time: float) -> None:
    with pytest.raises(ValueError, match="no number"):
        when_it_ends(time, None, None, NOW, Decimal(0))
    with pytest.raises(ValueError, match="no number"):
        when_it_ends(NOW, None, None, time, Decimal(0))


def test_a_machine_is_guarded_at_its_present_price_with_its_traffic() -> None:
    hourly = Hourly(Decimal("0.5"), Decimal("0.1"), None, Decimal("0.02"), Decimal("0.03"))
    made = guard_file("https://market", "42", hourly, Terms(NOW, price=1))
    assert (made.terms.price, made.down, made.up, made.terms.deadline) == (600_000, 20_000, 30_000, NOW)
    with pytest.raises(ValueError, match="does not say what machine 42 costs"):
        guard_file("https://market", "42", Hourly(), TERMS)


def test_another_end_leaves_the_rest() -> None:
    later = FILE.later(NOW + 7200, Decimal(30))
    assert (later.terms.deadline, later.terms.budget) == (NOW + 7200, 30_000_000)
    assert read_guard_file(later.text()).later(TERMS.deadline, Decimal(10)) == FILE
    assert FILE.later(NOW, None).terms.budget == -1
    assert FILE.until(NOW + 7200).terms == Terms(NOW + 7200, *list(vars(TERMS).values())[1:])
    assert later.armed != FILE.armed


HOSTILE: list[tuple[str, Any]] = [
    ("deadline", None), ("deadline", "1"), ("deadline", True), ("price", 10**18), ("price", -2), ("budget", 1.5),
    ("url", 3), ("instance", None), ("at_end", "keep"), ("marks", "x"), ("marks", [1]), ("down", "x"), ("spent", []),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), HOSTILE)
def test_settings_that_are_none_are_refused(name: str, value: Any) -> None:
    raw = {**json.loads(FILE.text()), name: value}
    with pytest.raises(ValueError, match=rf"{name}|whole"):
        read_guard_file(json.dumps(raw))


@pytest.mark.parametrize("text", ["", "[]", "3", "{"])
def test_a_text_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no object|JSON|Expecting"):
        read_guard_file(text)


def test_when_a_machine_ends_is_what_its_guard_will_do() -> None:
    found = when_it_ends(NOW + 8000.9, Decimal(2), Decimal("3.6"), NOW + 100, Decimal("0.1"))
    assert found == (NOW + 100 + 1900 - MARGIN - PARTING, "budget")
    assert found == ends(Terms(NOW + 8000, NOW, 3_600_000, 2_000_000), NOW + 100, 100_000)
    assert when_it_ends(NOW + 8000, None, None, NOW, Decimal(9)) == (NOW + 8000 - MARGIN, "ttl")


def test_what_older_settings_do_not_say_is_nothing() -> None:
    raw = {
        name: value for name, value in json.loads(FILE.text()).items() if name not in {"spent", "down", "up", "marks"}
    }
    found = read_guard_file(json.dumps(raw))
    assert (found.terms.spent, found.down, found.up, found.marks) == (0, 0, 0, MARKS)
    plain = GuardFile("https://market", "42", TERMS)
    assert (plain.down, plain.up, plain.marks) == (0, 0, MARKS)


def test_figures_at_the_edge_are_told_from_those_beyond() -> None:
    raw = json.loads(FILE.text())
    for least in (-1, 0, 10**15 - 1):
        assert read_guard_file(json.dumps({**raw, "budget": least})).terms.budget == least
    for beyond in (-2, 10**15):
        with pytest.raises(ValueError, match="budget"):
            read_guard_file(json.dumps({**raw, "budget": beyond}))
    assert micros(Decimal("999999999.999999")) == 10**15 - 1
    with pytest.raises(ValueError, match="no amount"):
        micros(Decimal(10**9))
