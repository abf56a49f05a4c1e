"""How the test command is walled in: argv for each sandbox, built here and run elsewhere."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

WORK = "/tmp/work"  # noqa: S108 - a folder of the sandbox's own /tmp
HOME = "/tmp/home"  # noqa: S108
SECONDS = 120
MEMORY = 2 * 1024**3
PROCESSES = 256
TAIL = 4096
NOT_STARTED = -125
"""Stands for the exit code of a container that did not come to its command."""
SCRATCH = 512 * 1024**2
"""Bytes that the command may write to its /tmp and to each hidden folder; they vanish with it."""

LABEL = "swarmctl.purpose=test"
_NO_PROXIES = {
    word: ""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY")
    for word in (name, name.lower())
}
"""Docker's client hands its own proxies, and the passwords in them, to every container that does not set them."""
_ENDS_WITH_STDIN = "exec 3<&0 </dev/null\n{ cat <&3; kill -9 -1; } >/dev/null 2>&1 &\nexec 3<&-\n"

REFUSED = "no sandbox; install bubblewrap or pass --unsandboxed"
PROTECTS = {
    "bubblewrap": "no network, the system read-only, home folders and secrets hidden, no privileges; "
    "no filter on system calls, and files outside of the home folders can be read",
    "docker": "no network, nothing of this machine but the clone, no privileges",
    "namespaces": "no network, the system read-only, home folders and secrets hidden, no privileges; "
    "no filter on system calls, and files outside of the home folders can be read",
    "none": "nothing: the command can do what you can do",
}


@dataclass(frozen=True, slots=True)
class Walls:
    """One command and what it may see.

    clone: the folder that becomes WORK, the only thing of this machine that can be written.
    hidden: real folders that look empty. shown: folders below hidden ones that stay readable.
    uid: what to become when the caller is root, whom limits do not bind; None otherwise.
    """

    clone: str
    command: str
    path: str
    hidden: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    uid: int | None = None

    @property
    def env(self) -> dict[str, str]:
        """The whole environment of the command."""
        return {
            "PATH": self.path,
            "HOME": HOME,
            "TMPDIR": "/tmp",  # noqa: S108
            "LANG": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }


def limited(command: str, seconds: int) -> list[str]:
    """The command under limits on time, memory, processes and core files; stderr goes to stdout."""
    limits = [f"--as={MEMORY}", f"--nproc={PROCESSES}", "--core=0"]
    timed = ["timeout", "--kill-after=2", str(seconds)]
    return ["prlimit", *limits, *timed, "sh", "-c", f"exec 2>&1\n{command}"]


def bubblewrap(walls: Walls, *, seconds: int = SECONDS) -> list[str]:
    """argv of bwrap; root gives up its identity inside, where no user namespace does it."""
    apart = ["--unshare-all"]
    become: list[str] = []
    if walls.uid is not None:
        apart = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
        apart += [w for cap in ("SETUID", "SETGID", "SETPCAP") for w in ("--cap-add", f"CAP_{cap}")]
        become = _become(walls.uid)
    empty = [word for folder in walls.hidden for word in ("--size", str(SCRATCH), "--tmpfs", folder)]
    # bwrap makes the folders above a mount unreadable for others, and the command may have another uid.
    above = [word for folder in _above(walls) for word in ("--perms", "0755", "--dir", folder)]
    shown = [word for folder in walls.shown for word in ("--ro-bind", folder, folder)]
    env = [word for pair in walls.env.items() for word in ("--setenv", *pair)]
    return [
        *("bwrap", *apart, "--die-with-parent", "--new-session"),
        *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc"),
        *empty,
        *("--size", str(SCRATCH), "--perms", "1777", "--tmpfs", "/tmp"),  # noqa: S108
        *("--perms", "1777", "--dir", HOME, "--bind", walls.clone, WORK),
        *above,
        *shown,
        *("--chdir", WORK, "--clearenv"),
        *env,
        *("--", *become, *limited(walls.command, seconds)),
    ]


def docker(walls: Walls, *, image: str, name: str, user: str, seconds: int = SECONDS) -> list[str]:
    """argv of docker run in an image that is already there; `user` is uid:gid.

    The container ends when its client's stdin does, however the client ended.
    """
    inner = {name: value for name, value in walls.env.items() if name != "PATH"} | _NO_PROXIES
    env = [word for pair in inner.items() for word in ("--env", "=".join(pair))]
    return [
        *("docker", "run", "--rm", "--interactive", "--pull=never", "--name", name, "--label", LABEL),
        *("--network=none", "--read-only", "--log-driver=none", "--no-healthcheck"),
        *("--cap-drop=ALL", "--security-opt=no-new-privileges", "--user", user, "--init"),
        *(f"--memory={MEMORY}", f"--memory-swap={MEMORY}", f"--pids-limit={PROCESSES}"),
        *("--mount", f"type=tmpfs,destination=/tmp,tmpfs-size={SCRATCH},tmpfs-mode=1777"),
        *("--mount", f"type=bind,source={walls.clone},destination={WORK}", "--workdir", WORK),
        *env,
        *("--entrypoint", "timeout", image, "-k", "2", str(seconds)),
        *("sh", "-c", f"{_ENDS_WITH_STDIN}exec 2>&1\nmkdir -p {HOME}\n{walls.command}"),
    ]


def namespaces(walls: Walls, *, python: str, jail: str, seconds: int = SECONDS) -> list[str]:
    """argv of util-linux unshare; `jail` is the script that lays the mounts inside."""
    user = [] if walls.uid is not None else ["--user", "--map-root-user"]
    plan = {
        "work": walls.clone,
        "at": WORK,
        "home": HOME,
        "hide": walls.hidden,
        "show": walls.shown,
        "size": SCRATCH,
        "uid": walls.uid,
        "env": walls.env,
        "argv": limited(walls.command, seconds),
    }
    apart = ["--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child"]
    return ["unshare", *user, *apart, "--", python, "-I", "-S", "-B", jail, json.dumps(plan)]


def open_field(walls: Walls, *, seconds: int = SECONDS) -> tuple[list[str], Mapping[str, str]]:
    """argv and environment without a sandbox; the home is the clone's parent."""
    home = walls.clone.rsplit("/", 1)[0]
    return limited(walls.command, seconds), {**walls.env, "HOME": home, "TMPDIR": home}


def verdict(command: str, code: int, *, seconds: float, limit: int = SECONDS) -> tuple[str, str]:
    """(`passed`, `failed` or `not run`, a sentence or nothing) for an exit code after so many seconds."""
    if code == 0:
        return "passed", ""
    if code in (124, 137) and seconds >= limit:
        return "failed", f"stopped after {limit} s"
    if code == NOT_STARTED:
        return "not run", "the container could not be started"
    if code == 5 and "pytest" in command:
        return "not run", "pytest found no tests"
    if code in (126, 127):
        return "failed", "the test command was not found or cannot be executed inside the sandbox"
    return "failed", f"exit {code}"


def tail(output: bytes) -> str:
    """The end of what a command wrote, at most TAIL bytes, whole lines where possible."""
    text = output[-TAIL:].decode(errors="replace")
    return text if len(output) <= TAIL else "…" + text[text.find("\n") + 1 :]


def _above(walls: Walls) -> list[str]:
    """The folders between a hidden one and what is shown below it, outermost first."""
    found = []
    for folder in walls.shown:
        for hidden in (*walls.hidden, "/tmp"):  # noqa: S108
            if folder.startswith(f"{hidden}/"):
                parts = folder[len(hidden) + 1 :].split("/")[:-1]
                found += [f"{hidden}/{'/'.join(parts[:n])}" for n in range(1, len(parts) + 1)]
    return list(dict.fromkeys(found))


def _become(uid: int) -> list[str]:
    ids = [f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    return ["setpriv", *ids, "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all", "--"]
