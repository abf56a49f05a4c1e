"""Judges of what a container may: its root, capabilities, user, limits, mounts and sockets."""

import re
from collections.abc import Iterable, Iterator

from swarmctl.core.seal import Finding
from swarmctl.core.sealsight import Around, Seen

_SCRATCH = "/tmp"  # noqa: S108 - the container's own
_CAPS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
_OWN = re.compile(
    r"/(|proc(/.*)?|dev(/(pts|shm|mqueue|console))?|sys(/.*)?|tmp|data|models|usr/sbin/docker-init|sbin/docker-init"
    r"|etc/(resolv\.conf|hostname|hosts)|etc/swarmctl/[\w./-]+|run/secrets/[\w.-]+)"
)
"""Where something may be mounted in a container of ours."""
_GPU = re.compile(
    r"/(dev/nvidia[\w/-]*|usr/(bin|lib)/[\w./+-]*(nvidia|cuda)[\w./+-]*|proc/driver/nvidia[\w./:-]*|run/nvidia[\w./-]*"
    r"|etc/vulkan/[\w./-]+)"
)
_KERNEL = frozenset(
    ("overlay", "fuse-overlayfs", "proc", "tmpfs", "devpts", "devtmpfs", "sysfs", "cgroup", "cgroup2", "mqueue", "nsfs")
)
"""File systems that are not a piece of the host's disk."""
_OPEN = {"Privileged": (False, None), "CapAdd": ([], None), "Devices": ([], None)}


def judged(seen: Seen, holes: Iterable[str], shown: str, *, blind: str = "", needs: tuple[str, ...] = ()) -> Finding:
    """Fail with every hole; unknown where the container could not be looked into; else pass with what was shown.

    blind: why nothing was seen. needs: sorts of lines without which the probe said nothing of this.
    """
    found = list(holes)
    if found:
        return Finding(seen.service, "fail", "; ".join(found))
    why = seen.trouble or blind or ("" if seen.sight.whole else "the probe did not come to its end")
    missing = [what for what in needs if not seen.sight.all(what)]
    broken = seen.sight.of("broken").values()
    said = why or "; ".join(broken) or (f"the probe says nothing of {', '.join(missing)}" if missing else "")
    return Finding(seen.service, "unknown" if said else "pass", said or shown)


def root(seen: Seen, _around: Around) -> Finding:
    """Nothing of the root can be written; what is meant for that can."""
    writes, mount = seen.sight.of("write"), seen.sight.of("mount").get("/", "")

    def holes() -> Iterator[str]:
        if seen.host.get("ReadonlyRootfs") is not True:
            yield f"ReadonlyRootfs {seen.host.get('ReadonlyRootfs')}"
        if mount and "ro" not in mount.split()[1].split(","):
            yield f"/ is mounted {mount}"
        yield from (f"{place} can be written" for place, what in writes.items() if what == "done" and place != _SCRATCH)
        if seen.sight.whole and writes.get(_SCRATCH) != "done":
            yield f"{_SCRATCH}: {writes.get(_SCRATCH)}"

    return judged(
        seen, holes(), f"touch /: {writes.get('/')}, touch {_SCRATCH}: {writes.get(_SCRATCH)}", needs=("mount", "write")
    )


def capabilities(seen: Seen, _around: Around) -> Finding:
    """None at all, in no set; giving a file away fails."""
    status, host = seen.sight.of("status"), seen.host

    def holes() -> Iterator[str]:
        for name in _CAPS:
            if status.get(name, "0").strip("0"):
                yield f"{name} {status[name]}"
        yield from (f"{key} {host[key]}" for key, good in _OPEN.items() if host.get(key) not in good)
        yield from (f"chown {what}: done" for what, result in seen.sight.all("chown") if result == "done")

    blind = "" if set(_CAPS) <= status.keys() else "the probe says nothing of capabilities"
    return judged(seen, holes(), f"CapEff {status.get('CapEff')}, CapBnd {status.get('CapBnd')}", blind=blind)


def gain(seen: Seen, _around: Around) -> Finding:
    """A setuid program stays who started it, no namespace gives rights, system calls are filtered."""
    status = seen.sight.of("status")

    def holes() -> Iterator[str]:
        if seen.sight.whole and status.get("NoNewPrivs") != "1":
            yield f"NoNewPrivs {status.get('NoNewPrivs')}"
        if seen.sight.whole and status.get("Seccomp") != "2":
            yield f"Seccomp {status.get('Seccomp')}"
        own = status.get("Uid", "").split()
        for program, uids in seen.sight.all("setuid"):
            if uids[:1].isdigit() and set(uids.split()) != set(own):
                yield f"{program} runs as {uids}"
        yield from (f"unshare of a {what}: done" for what, result in seen.sight.all("unshare") if result == "done")

    became = "".join(f", {program} stays {uids}" for program, uids in seen.sight.all("setuid"))
    return judged(seen, holes(), f"NoNewPrivs 1, Seccomp 2{became}")


def user(seen: Seen, _around: Around) -> Finding:
    """Nobody here is root, and none of the host's groups is lent."""
    status = seen.sight.of("status")

    def holes() -> Iterator[str]:
        for name in ("Uid", "Gid"):
            if "0" in status.get(name, "").split():
                yield f"{name} {status[name]}"
        groups = set(status.get("Groups", "").split()) - set(status.get("Gid", "").split())
        if groups:
            yield f"further groups {' '.join(sorted(groups))}"
        yield from (f"process {who} has Uid {uids}" for who, uids in seen.sight.all("process") if "0" in uids.split())
        if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", str((seen.inspect.get("Config") or {}).get("User"))):
            yield f"User {(seen.inspect.get('Config') or {}).get('User')!r}"

    return judged(
        seen,
        holes(),
        f"Uid {status.get('Uid')}, of {len(seen.sight.all('process'))} processes none is root",
        needs=("status", "process"),
    )


def limits(seen: Seen, _around: Around) -> Finding:
    """Processes, memory and log are bounded, in the kernel's own files as in what was asked; the first is tried."""
    files = seen.sight.of("file")
    asked = {"pids": seen.host.get("PidsLimit") or 0, "memory": seen.host.get("Memory") or 0}
    in_force = {"pids": _first(files, "pids.max"), "memory": _first(files, "memory.max", "memory.limit_in_bytes")}
    log = (seen.host.get("LogConfig") or {}).get("Config") or {}
    tried = seen.sight.of("forks").get("tried", "")

    def holes() -> Iterator[str]:
        for name, wanted in asked.items():
            if wanted <= 0:
                yield f"no limit of {name} was asked"
            elif in_force[name] and in_force[name] != str(wanted):
                yield f"the limit of {name} is {in_force[name]}, not {wanted}"
        if _swap(files, asked["memory"]):
            yield f"swap: {_swap(files, asked['memory'])}"
        if not {"max-size", "max-file"} <= log.keys():
            yield f"its log has no bound: {log}"
        if tried.startswith("never refused"):
            yield f"threads {tried}"

    blind = "" if all(in_force.values()) else f"no cgroup file for {[n for n, v in in_force.items() if not v]}"
    shown = f"pids.max {in_force['pids']}, memory {in_force['memory']}" + (f"; threads {tried}" if tried else "")
    return judged(seen, holes(), shown, blind=blind)


def _first(files: dict[str, str], *names: str) -> str:
    return next((value for path, value in files.items() if path.rpartition("/")[2] in names), "")


def _swap(files: dict[str, str], memory: int) -> str:
    """What may be swapped, as cgroups of either version say it; empty when nothing."""
    new, old = _first(files, "memory.swap.max"), _first(files, "memory.memsw.limit_in_bytes")
    if new and new != "0":
        return f"memory.swap.max {new}"
    return f"memory.memsw.limit_in_bytes {old}" if old and old != str(memory) else ""


def mounts(seen: Seen, _around: Around) -> Finding:
    """Nothing of the host is lent but the swarm's own folders and files; no namespace is shared with it."""
    host = seen.host

    def holes() -> Iterator[str]:
        for name in ("NetworkMode", "PidMode", "IpcMode", "UTSMode", "UsernsMode"):
            if host.get(name) == "host" or str(host.get(name)).startswith("container:"):
                yield f"{name} {host[name]}"
        yield from (f"SecurityOpt {opt}" for opt in host.get("SecurityOpt") or () if "unconfined" in str(opt))
        for point, about in seen.sight.all("mount"):
            own = _OWN.fullmatch(point) or (seen.kind == "engine" and _GPU.fullmatch(point))
            if not own:
                yield f"{point} is {about}"

    of_host = [point for point, about in seen.sight.all("mount") if _is_disk(about)]
    return judged(seen, holes(), f"of the host's files only {', '.join(of_host)}", needs=("mount",))


def _is_disk(about: str) -> bool:
    """The mount is of a disk's file system: a folder or file of the host."""
    return about.partition(" ")[0] not in _KERNEL


def docker_socket(seen: Seen, _around: Around) -> Finding:
    """No socket file of any daemon is here."""
    lent = [
        str(m.get("Source")) for m in seen.inspect.get("Mounts") or () if str(m.get("Source", "")).endswith(".sock")
    ]
    found = [f"{path} is here ({what})" for path, what in seen.sight.all("unix")]
    holes = [*found, *(f"Mounts: {path}" for path in lent)]
    return judged(seen, holes, "no /var/run/docker.sock, and no socket among the mounts", needs=("mount",))


def raw_sockets(seen: Seen, _around: Around) -> Finding:
    """None that reads or forges packets."""
    made = seen.sight.of("socket")
    tried = {name: result for name, result in made.items() if name != "vsock"}
    holes = [f"socket({name}): done" for name, result in tried.items() if result == "done"]
    blind = "" if tried else "no Python in this image to try it"
    return judged(seen, holes, ", ".join(f"{n} {r}" for n, r in tried.items()), blind=blind)


def machine_socket(seen: Seen, _around: Around) -> Finding:
    """No socket to the machine beneath a virtual one. That it can be made proves no hole: who listens is not asked."""
    made = seen.sight.of("socket").get("vsock", "")
    if made == "done":
        said = "socket(AF_VSOCK) can be made: if this host is a virtual machine, what listens beneath it may be reached"
        return judged(seen, (), "", blind=said)
    return judged(seen, (), f"socket(AF_VSOCK) {made}", blind="" if made else "not tried")
