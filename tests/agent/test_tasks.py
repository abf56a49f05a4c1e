"""The task store remembers, filters and forgets."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from a2a.server.context import ServerCallContext
from a2a.types.a2a_pb2 import ListTasksRequest, Task, TaskState

from swarmctl.agent import tasks
from swarmctl.agent.tasks import SqliteTaskStore

ANYONE = ServerCallContext()


def task(number: int, state: TaskState = TaskState.TASK_STATE_COMPLETED, context: str = "c") -> Task:
    made = Task(id=f"t{number:04}", context_id=context)
    made.status.state = state
    made.status.timestamp.FromSeconds(1000 + number // 2)
    return made


def save(store: SqliteTaskStore, *made: Task) -> None:
    for one in made:
        asyncio.run(store.save(one, ANYONE))


def listed(store: SqliteTaskStore, **params: object) -> list[str]:
    reply = asyncio.run(store.list(ListTasksRequest(**params), ANYONE))  # type: ignore[arg-type]
    return [one.id for one in reply.tasks]


def test_a_task_survives_the_store(tmp_path: Path) -> None:
    path = tmp_path / "data" / "tasks.sqlite"
    store = SqliteTaskStore(path)
    save(store, task(1), task(2, TaskState.TASK_STATE_WORKING))
    store.close()
    assert path.stat().st_mode & 0o777 == 0o600
    store = SqliteTaskStore(path)
    assert asyncio.run(store.get("t0001", ANYONE)) == task(1)
    assert asyncio.run(store.get("t0009", ANYONE)) is None
    assert store.end_unfinished("why it ended") == 1
    ended = asyncio.run(store.get("t0002", ANYONE))
    assert ended is not None
    assert ended.status.state == TaskState.TASK_STATE_FAILED
    assert ended.status.message.parts[0].text == "why it ended"
    assert store.end_unfinished("again") == 0
    store.close()


def test_filters_and_pages_lose_and_repeat_nothing(tmp_path: Path) -> None:
    store = SqliteTaskStore(tmp_path / "tasks.sqlite")
    save(store, *(task(n, context=f"c{n % 3}") for n in range(20)))
    assert listed(store, context_id="c1", page_size=3) == ["t0019", "t0016", "t0013"]
    assert listed(store, status=TaskState.TASK_STATE_FAILED) == []
    seen: list[str] = []
    token = ""
    while True:
        reply = asyncio.run(store.list(ListTasksRequest(page_size=7, page_token=token), ANYONE))
        seen += [one.id for one in reply.tasks]
        assert reply.total_size == 20
        if not (token := reply.next_page_token):
            break
    assert seen == [f"t{n:04}" for n in reversed(range(20))]
    asyncio.run(store.delete("t0019", ANYONE))
    assert listed(store, page_size=1) == ["t0018"]
    store.close()


def test_only_so_many_ended_tasks_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "KEPT", 3)
    path = tmp_path / "tasks.sqlite"
    store = SqliteTaskStore(path)
    save(store, task(0, TaskState.TASK_STATE_WORKING), *(task(n) for n in range(1, 10)))
    store.close()
    store = SqliteTaskStore(path)
    assert listed(store) == ["t0009", "t0008", "t0007", "t0000"]
    store.close()


def test_a_broken_file_is_an_error_and_no_empty_store(tmp_path: Path) -> None:
    path = tmp_path / "tasks.sqlite"
    path.write_bytes(b"no database at all" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        SqliteTaskStore(path)
