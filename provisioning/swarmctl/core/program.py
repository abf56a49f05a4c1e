"""What a supervisor is told to run: plain values, written as JSON."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

SCHEMA = "swarmctl/supervisor/v1"


@dataclass(frozen=True, slots=True)
class Program:
    """One process to keep alive.

    how: `exec` starts argv; `fork` forks the supervisor, which has preloaded the entry's module, and
    calls `entry` ("package.module:function") with `argv` as its arguments.
    labels: appended to an exec'd argv when label_argv is true, otherwise carried in its environment as
    SWARMCTL_LABELS; a fork carries them in its process title.
    hash: config hash; a program whose hash changed is restarted.
    """

    name: str
    how: Literal["exec", "fork"]
    argv: tuple[str, ...]
    labels: dict[str, str]
    hash: str
    entry: str = ""
    label_argv: bool = False
    env: dict[str, str] | None = None
    cwd: str = "/"
    stop_grace: float = 10.0


@dataclass(frozen=True, slots=True)
class SupervisorConfig:
    """One swarm's supervisor: where its socket and logs are, and what it runs (in this order).

    home: label of the state folder that it belongs to.
    """

    swarm: str
    socket: str
    logs: str
    programs: tuple[Program, ...] = ()
    log_bytes: int = 4 * 1024 * 1024
    log_keep: int = 2
    home: str = ""
    schema: str = SCHEMA

    def as_json(self) -> dict[str, Any]:
        """The value as JSON objects and lists."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "SupervisorConfig":
        """The value read back; raises ValueError on another schema, TypeError on other keys."""
        if raw.get("schema") != SCHEMA:
            raise ValueError(f"this is no {SCHEMA}: {raw.get('schema')!r}")
        programs = tuple(Program(**{**p, "argv": tuple(p["argv"])}) for p in raw["programs"])
        return cls(**{**raw, "programs": programs})


@dataclass(frozen=True, slots=True)
class ProgramStatus:
    """What a supervisor says of one program; times are seconds since the epoch.

    state: `starting`, `running`, `backoff` (died, waits for its next start), `stopping` or `stopped`.
    restarts counts starts after the first; last_exit is a sentence such as "exit 1" or "signal 9".
    """

    name: str
    state: str
    pid: int | None
    hash: str
    restarts: int
    started: float | None
    last_exit: str = ""
    next_start: float | None = None
    adopted: bool = False
