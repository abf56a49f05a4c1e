"""The tasks of one agent in SQLite, so that a restarted agent still answers for them."""

import sqlite3
from pathlib import Path

from a2a.server.context import ServerCallContext
from a2a.server.tasks.task_store import TaskStore
from a2a.types.a2a_pb2 import ListTasksRequest, ListTasksResponse, Message, Part, Role, Task, TaskState
from a2a.utils.errors import InvalidParamsError
from a2a.utils.task import ListTasksCursor, decode_list_tasks_cursor, encode_list_tasks_cursor

FINAL = (
    TaskState.TASK_STATE_COMPLETED,
    TaskState.TASK_STATE_FAILED,
    TaskState.TASK_STATE_CANCELED,
    TaskState.TASK_STATE_REJECTED,
)
PAGE = 50
KEPT = 1000
"""Ended tasks that an agent remembers."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS tasks (
  id TEXT PRIMARY KEY, context TEXT NOT NULL, state INTEGER NOT NULL,
  stamp INTEGER NOT NULL, -- nanoseconds of the last change
  task BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS by_stamp ON tasks (stamp DESC, id DESC);
"""
_ENDED = "({})".format(",".join(str(int(state)) for state in FINAL))


class SqliteTaskStore(TaskStore):
    """Tasks by id. All belong to the one owner of the agent's token, so contexts are not told apart."""

    def __init__(self, path: Path) -> None:
        """Opens or makes the file, mode 0600, and forgets all but the newest ended tasks."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)
        self._db.execute(
            f"DELETE FROM tasks WHERE state IN {_ENDED} AND id NOT IN "  # noqa: S608 - numbers of ours
            "(SELECT id FROM tasks ORDER BY stamp DESC LIMIT ?)",
            (KEPT,),
        )

    def end_unfinished(self, sentence: str) -> int:
        """Mark every task that has not ended as failed, saying why; how many there were."""
        rows = self._db.execute(f"SELECT task FROM tasks WHERE state NOT IN {_ENDED}").fetchall()  # noqa: S608
        for (blob,) in rows:
            task = Task.FromString(blob)
            task.status.state = TaskState.TASK_STATE_FAILED
            task.status.message.CopyFrom(
                Message(
                    message_id=f"{task.id}-end",
                    task_id=task.id,
                    context_id=task.context_id,
                    role=Role.ROLE_AGENT,
                    parts=[Part(text=sentence)],
                )
            )
            task.status.timestamp.GetCurrentTime()
            self._put(task)
        return len(rows)

    async def save(self, task: Task, context: ServerCallContext) -> None:  # noqa: ARG002
        """Write a task."""
        self._put(task)

    async def get(self, task_id: str, context: ServerCallContext) -> Task | None:  # noqa: ARG002
        """A copy of a task."""
        row = self._db.execute("SELECT task FROM tasks WHERE id = ?", (task_id,)).fetchone()
        return Task.FromString(row[0]) if row else None

    async def delete(self, task_id: str, context: ServerCallContext) -> None:  # noqa: ARG002
        """Forget a task."""
        self._db.execute("DELETE FROM tasks WHERE id = ?", (task_id,))

    async def list(
        self,
        params: ListTasksRequest,
        context: ServerCallContext,  # noqa: ARG002
    ) -> ListTasksResponse:
        """The newest tasks first, filtered and in pages as A2A says."""
        where, values = _filter(params)
        (total,) = self._db.execute(f"SELECT count(*) FROM tasks WHERE {where}", values).fetchone()  # noqa: S608
        if params.page_token:
            where, values = f"{where} AND (stamp, id) < (?, ?)", [*values, *_after(params.page_token)]
        size = params.page_size or PAGE
        rows = self._db.execute(
            f"SELECT task, stamp, id FROM tasks WHERE {where} ORDER BY stamp DESC, id DESC LIMIT ?",  # noqa: S608
            [*values, size + 1],
        ).fetchall()
        more = len(rows) > size
        token = encode_list_tasks_cursor(ListTasksCursor(rows[size - 1][1], rows[size - 1][2])) if more else ""
        return ListTasksResponse(
            tasks=[Task.FromString(row[0]) for row in rows[:size]],
            next_page_token=token,
            page_size=size,
            total_size=total,
        )

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _put(self, task: Task) -> None:
        stamp = task.status.timestamp.ToNanoseconds() if task.status.HasField("timestamp") else 0
        self._db.execute(
            "INSERT OR REPLACE INTO tasks VALUES (?, ?, ?, ?, ?)",
            (task.id, task.context_id, int(task.status.state), stamp, task.SerializeToString()),
        )


def _filter(params: ListTasksRequest) -> tuple[str, list[object]]:
    clauses: list[tuple[str, object]] = []
    if params.context_id:
        clauses.append(("context = ?", params.context_id))
    if params.status:
        clauses.append(("state = ?", int(params.status)))
    if params.HasField("status_timestamp_after"):
        clauses.append(("stamp >= ?", params.status_timestamp_after.ToNanoseconds()))
    return " AND ".join(["1", *(clause for clause, _ in clauses)]), [value for _, value in clauses]


def _after(token: str) -> tuple[int, str]:
    cursor = decode_list_tasks_cursor(token)
    if cursor is None:
        raise InvalidParamsError(message="this page token is none of ours")
    return cursor.timestamp_ns or 0, cursor.task_id
