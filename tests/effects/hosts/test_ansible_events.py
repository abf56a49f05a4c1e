"""What is told of a run, from events as Ansible gives them and as it should not."""

from typing import Any

import pytest

from swarmctl.effects.hosts.events import Heard


class Watch:
    """A clock that a test sets."""

    def __init__(self) -> None:
        """Begins at 0."""
        self.at = 0.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.at


def heard() -> tuple[Heard, list[str], Watch]:
    said: list[str] = []
    watch = Watch()
    return Heard(said.append, watch), said, watch  # type: ignore[arg-type]


def event(kind: str, **data: Any) -> dict[str, Any]:
    given = {"host": "slot-0", "role": "docker", "task": "Install", "task_action": "ansible.builtin.apt", **data}
    return {"event": kind, "event_data": given}


def test_a_task_is_said_once_it_takes_a_moment() -> None:
    found, said, watch = heard()
    found.hear(event("playbook_on_task_start"))
    found.tick()
    assert said == []
    watch.at = 1.5
    found.tick()
    found.tick()
    assert said == ["docker: Install"]


def test_each_role_is_told_once_when_it_begins() -> None:
    entered: list[str] = []
    found = Heard(str, Watch(), entered.append)  # type: ignore[arg-type]
    for role in ("base", "base", "docker", "docker", "firewall"):
        found.hear(event("playbook_on_task_start", role=role))
    found.hear(event("playbook_on_task_start", role=""))
    assert entered == ["base", "docker", "firewall"]


def test_a_quick_task_is_said_only_if_it_changed_something() -> None:
    found, said, _ = heard()
    found.hear(event("playbook_on_task_start", task="Look"))
    found.hear(event("runner_on_ok", task="Look", res={"changed": False}))
    found.hear(event("playbook_on_task_start", task="Write"))
    found.hear(event("runner_on_ok", task="Write", res={"changed": True}))
    found.hear(event("runner_on_ok", task="Write", host="slot-1", res={"changed": True}))
    assert said == ["docker: Write"]
    assert found.tasks == 2


def test_tasks_that_do_nothing_on_a_host_are_not_said() -> None:
    found, said, watch = heard()
    found.hear(event("playbook_on_task_start", task_action="ansible.builtin.include_tasks"))
    watch.at = 60
    found.tick()
    assert said == []


def test_facts_of_ours_are_kept_by_host() -> None:
    found, _, _ = heard()
    for host in ("slot-0", "slot-1"):
        facts = {"swarmctl_cards": 1, "docker_engine": "26", "guard_key": "x"}
        res = {"ansible_facts": facts}
        found.hear(event("runner_on_ok", host=host, task_action="ansible.builtin.set_fact", res=res))
    assert found.facts == {"slot-0": {"swarmctl_cards": 1}, "slot-1": {"swarmctl_cards": 1}}


def test_a_failure_says_where_and_what() -> None:
    found, _, _ = heard()
    found.hear(event("runner_on_failed", res={"msg": "Task failed: Action failed: no package", "stderr": "E: none"}))
    (failure,) = found.failures
    assert (failure.where, failure.message, failure.said) == ("slot-0: docker: Install", "no package", "E: none")


def test_of_a_loop_the_failed_item_is_told() -> None:
    found, _, _ = heard()
    items = [{"msg": "fine"}, {"failed": True, "msg": "the second one", "rc": 1}]
    found.hear(event("runner_on_failed", res={"msg": "One or more items failed", "results": items}))
    assert found.failures[0].message == "the second one"


def test_a_failure_that_is_allowed_is_none() -> None:
    found, _, _ = heard()
    found.hear(event("runner_on_failed", ignore_errors=True, res={"msg": "x"}))
    assert found.failures == []


def test_a_host_out_of_reach_is_told_apart() -> None:
    found, _, _ = heard()
    said = "Task failed: Failed to connect to the host via ssh: connection refused"
    found.hear(event("runner_on_unreachable", res={"msg": said}))
    assert found.failures[0].unreachable
    assert found.failures[0].message == "connection refused"


def test_the_end_counts_what_changed_and_what_did_not() -> None:
    found, _, _ = heard()
    found.hear(event("playbook_on_stats", processed={"slot-0": 1, "slot-1": 1}, changed={"slot-0": 3}))
    assert found.changed == {"slot-0": 3, "slot-1": 0}


@pytest.mark.parametrize(
    "odd",
    [
        {}, {"event": None}, {"event": "runner_on_failed"}, {"event": "runner_on_failed", "event_data": []},
        {"event": "runner_on_failed", "event_data": {}}, {"event": "runner_on_ok", "event_data": {"res": "x"}},
        {"event": "runner_on_ok", "event_data": {"task_action": 3, "res": {"ansible_facts": []}}},
        {"event": "playbook_on_stats", "event_data": {"processed": [], "changed": 4}},
        {"event": "runner_on_failed", "event_data": {"res": {"results": "x", "msg": None}}},
        {"event": "playbook_on_task_start", "event_data": {"role": 5}},
    ],
)  # fmt: skip
def test_odd_events_break_nothing_and_are_never_written_down(odd: dict[str, Any]) -> None:
    found, _, _ = heard()
    assert found.hear(odd) is False
    found.tick()
