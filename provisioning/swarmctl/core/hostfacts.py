"""What a look at a machine over SSH says of it: read part by part, and nothing of it trusted."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from swarmctl.core.machine import Gpu, Machine
from swarmctl.core.serverdevices import devices

_MOST_CORES = 4096
_MOST_MIB = 1 << 30
_NO_CARDS = "No devices were found"
"""How nvidia-smi says, as a failure, that all is well and there is no card."""
_VERSION = re.compile(r"v?(\d{1,6}\.\d{1,6}[A-Za-z0-9.+~_-]{0,40})")
_IMAGE = re.compile(r"(\d{1,6}) (sha256:[0-9a-f]{64})")
_DISK = re.compile(r"\s\d+\s+\d+\s+(-?\d+)\s+(?:\d+%|-)\s+/")


@dataclass(frozen=True, slots=True)
class HostFacts:
    """One machine as it was just now.

    docker, compose: versions of the engine that answers and of Compose, "" where there is none; docker_problem: why
    an installed one does not answer. systemd: it runs as the first process. root: the user is; sudo: may be, without
    a password. distribution: such as `debian 13`, "" where it is not said. images: those asked for that are there,
    with their identity. devices: what a llama-server of its own lists; it is only asked where there are cards.
    """

    machine: Machine
    docker: str = ""
    docker_problem: str = ""
    compose: str = ""
    systemd: bool = False
    root: bool = False
    sudo: bool = False
    distribution: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    devices: tuple[str, ...] = ()

    @property
    def serves_cards(self) -> bool:
        """Processes there can have a server that uses its cards."""
        return 0 < len(self.machine.gpus) <= len(self.devices)

    @property
    def docker_major(self) -> int | None:
        """The engine's version before the first dot; None where no engine answers."""
        return int(self.docker.split(".")[0].lstrip("v")) if self.docker else None


def read_facts(text: str, token: str, images: Sequence[str], gpus: Callable[[str], tuple[Gpu, ...]]) -> HostFacts:
    """Facts from what the look printed. token: the word that begins its parts. gpus: reads nvidia-smi's rows.

    Raises ValueError with a sentence where it was cut off, or where cores, memory or disk are missing or impossible.
    """
    parts = _parts(text, token)
    if "end" not in parts:
        raise ValueError("the look at it was cut off")
    cards, problem = _cards(parts.get("cards", ""), gpus)
    docker, docker_problem = _docker(parts.get("docker", ""))
    return HostFacts(
        machine=_machine(parts, cards, problem),
        docker=docker,
        docker_problem=docker_problem,
        compose=_version(parts.get("compose", "")),
        systemd=_line(parts, "init") == "systemd",
        root=_line(parts, "user") == "0",
        sudo=_line(parts, "sudo") == "yes",
        distribution=_distribution(parts.get("release", "")),
        images=_images(parts.get("images", ""), images),
        devices=devices(parts.get("server", "")),
    )


def _parts(text: str, token: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for block in text.split(f"\n{token} ")[1:]:
        name, _, said = block.partition("\n")
        found.setdefault(name.strip(), said)
    return found


def _machine(parts: Mapping[str, str], cards: tuple[Gpu, ...], problem: str) -> Machine:
    total, free = (_kib(parts.get("memory", ""), key) for key in ("MemTotal", "MemAvailable"))
    limit, used = (_bytes(parts.get(name, "")) for name in ("limit", "used"))
    if limit is not None and limit < total:
        total, free = limit, min(free, max(0, limit - (used or 0)))
    disk = _DISK.search(parts.get("disk", ""))
    if not disk:
        raise ValueError("it does not say how much disk it has")
    return Machine(
        name=_line(parts, "name"),
        system=_clean(" ".join(parts.get("system", "").split()), 80),
        cores=_within(_whole(_line(parts, "cores")), _MOST_CORES, 1, "cores"),
        ram_total=_within(total, _MOST_MIB, 1, "MiB of memory"),
        ram_free=_within(free, _MOST_MIB, 0, "MiB of free memory"),
        disk_free=_within(max(0, int(disk[1][:30])) // 1024, 1 << 40, 0, "MiB of disk"),
        gpus=cards,
        avx2="avx2" in (parts.get("flags") or "avx2").split() if parts.get("flags", "").strip() else True,
        gpu_problem=problem,
    )


def _kib(text: str, key: str) -> int:
    """MiB of a line in /proc/meminfo. Raises ValueError where it is missing."""
    found = re.search(rf"^{key}:\s+(\d{{1,18}}) kB", text, re.MULTILINE)
    if not found:
        raise ValueError("it does not say how much memory it has")
    return int(found[1]) // 1024


def _bytes(text: str) -> int | None:
    """MiB of a number of bytes; None for none, such as `max`."""
    found = text.strip()
    return int(found) // (1024 * 1024) if re.fullmatch(r"\d{1,20}", found) else None


def _whole(text: str) -> int:
    return int(text) if re.fullmatch(r"\d{1,18}", text) else 0


def _within(value: int, most: int, least: int, what: str) -> int:
    if not least <= value <= most:
        raise ValueError(f"it says that it has {value} {what}")
    return value


def _cards(text: str, gpus: Callable[[str], tuple[Gpu, ...]]) -> tuple[tuple[Gpu, ...], str]:
    code, said = _ended(text)
    if code is None:
        return (), ""
    if code == 0:
        return gpus(said), ""
    problem = _clean(next(iter(said.strip().splitlines()), f"exit {code}"), 200)
    return (), "" if _NO_CARDS in problem else problem


def _docker(text: str) -> tuple[str, str]:
    code, said = _ended(text)
    if code is None:
        return "", ""
    version = _version(said) if code == 0 else ""
    lines = [line for line in said.splitlines() if line.strip()]
    return version, "" if version else _clean(lines[-1] if lines else f"docker ended with exit {code}", 300)


def _ended(text: str) -> tuple[int | None, str]:
    """The exit code that begins a part, and what follows; None where the program is not there."""
    first, _, said = text.partition("\n")
    found = re.fullmatch(r"exit (\d{1,3})", first.strip())
    return (int(found[1]) if found else None), said


def _version(text: str) -> str:
    found = [_VERSION.fullmatch(line.strip()) for line in text.splitlines()]
    return next((match[1] for match in found if match), "")


def _distribution(text: str) -> str:
    said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    words = [said.get(key, "").strip("\"' ") for key in ("ID", "VERSION_ID")]
    return _clean(" ".join(word for word in words if word), 60)


def _images(text: str, asked: Sequence[str]) -> dict[str, str]:
    found = [_IMAGE.fullmatch(line.strip()) for line in text.splitlines()]
    pairs = [(int(match[1]), match[2]) for match in found if match]
    return {asked[at]: identity for at, identity in pairs if at < len(asked)}


def _line(parts: Mapping[str, str], name: str) -> str:
    return _clean(next(iter(parts.get(name, "").strip().splitlines()), ""), 200)


def _clean(text: str, most: int) -> str:
    """A text of a strange machine that can be shown on a screen."""
    return "".join(c if c.isprintable() else " " for c in text).strip()[:most]
