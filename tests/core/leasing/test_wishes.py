"""A swarm file that changes while its machine is held: what the machine is told of, and what is said."""

import pytest

from swarmctl.core.leasing.wishes import THERE, not_applied, to_tell, wishes
from swarmctl.core.target import VastTarget

DIGEST, PLAYBOOKS = "d" * 12, "p" * 16


def of(**target: object) -> dict[str, str]:
    save = str(target.pop("mark", DIGEST))
    return wishes(VastTarget.model_validate(target), save=save, playbooks=PLAYBOOKS)


def test_an_unchanged_file_asks_for_nothing() -> None:
    assert to_tell(of(), of()) == frozenset()
    assert not_applied(of(), of(), "7", "team") == []


@pytest.mark.parametrize(
    ("target", "name"), [({"idle": "1h"}, "idle"), ({"at_end": "stop"}, "at_end"), ({"mark": "another"}, "save")]
)
def test_what_a_machine_is_told_of(target: dict[str, object], name: str) -> None:
    assert to_tell(of(), of(**target)) == {name}
    assert not_applied(of(), of(**target), "7", "team") == []


def test_new_playbooks_are_applied() -> None:
    assert to_tell({**of(), "playbooks": "older"}, of()) == {"playbooks"}


def test_a_machine_of_which_nothing_was_written_down_is_told_everything() -> None:
    assert to_tell({}, of()) == THERE
    assert not_applied({}, of(), "7", "team") == []


def test_time_and_money_are_said_with_the_command_that_asks() -> None:
    (said,) = not_applied(of(), of(ttl="4h"), "7", "team")
    assert said.startswith("ttl: ")
    assert said.endswith("swarmctl extend --lease 7 --ttl 14400s")
    (said,) = not_applied(of(budget=5), of(budget="12.50"), "7", "team")
    assert said.endswith("swarmctl extend --lease 7 --budget 12.50")
    (said,) = not_applied(of(budget=5), of(), "7", "team")
    assert "keeps what was agreed" in said
    assert "extend" not in said


def test_what_counts_at_renting_alone_is_said_once_for_all() -> None:
    (said,) = not_applied(of(), of(gpu="h100", spot=True, regions=["SE"]), "7", "team")
    assert said.startswith("gpu, regions, spot: ")
    assert "swarmctl down --swarm team" in said


def test_who_is_told_is_read_where_it_is_needed() -> None:
    assert of(notify={"url": "http://127.0.0.1:1/"}, hub_token=True) == of()
