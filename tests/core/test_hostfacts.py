"""What a machine says of itself, whatever that is."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmctl.core.hostfacts import HostFacts, read_facts
from swarmctl.core.machine import Gpu

TOKEN = "part-0123456789abcdef"
ID = f"sha256:{'a' * 64}"
PARTS = {
    "name": "gpu1",
    "system": "Linux\nx86_64",
    "release": 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"',
    "cores": "16",
    "memory": "MemTotal:       131072000 kB\nMemFree:  1 kB\nMemAvailable:   65536000 kB",
    "limit": "max",
    "used": "1048576",
    "disk": "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/my disk 999 9 104857600 10% /srv/a b",
    "flags": "flags : fpu avx avx2",
    "init": "systemd",
    "user": "1000",
    "sudo": "yes",
    "cards": "exit 0\nNVIDIA L4, 23034, 8.9, GPU-1",
    "docker": "exit 0\n26.1.5+dfsg1",
    "compose": "2.26.1-4",
    "images": f"0 {ID}\n1 \n2 nonsense\n7 {ID}",
    "end": "",
}


def rows(text: str) -> tuple[Gpu, ...]:
    return tuple(Gpu(line.split(",")[0], 1) for line in text.splitlines() if "," in line)


def said(**changed: str | None) -> str:
    parts = {name: text for name, text in {**PARTS, **changed}.items() if text is not None}
    return "a banner\n" + "".join(f"\n{TOKEN} {name}\n{text}\n" for name, text in parts.items())


def facts(**changed: str | None) -> HostFacts:
    return read_facts(said(**changed), TOKEN, ["one:1", "two:2", "three:3"], rows)


def test_all_of_it() -> None:
    found = facts()
    machine = found.machine
    assert (machine.name, machine.system, machine.cores) == ("gpu1", "Linux x86_64", 16)
    assert (machine.ram_total, machine.ram_free, machine.disk_free) == (128000, 64000, 102400)
    assert (machine.gpus, machine.gpu_problem, machine.avx2) == ((Gpu("NVIDIA L4", 1),), "", True)
    assert (found.docker, found.docker_major, found.compose) == ("26.1.5+dfsg1", 26, "2.26.1-4")
    assert (found.systemd, found.root, found.sudo, found.distribution) == (True, False, True, "debian 13")
    assert found.images == {"one:1": ID}


def test_a_server_of_its_own_must_see_all_of_its_cards() -> None:
    one = "Available devices:\n  CUDA0: NVIDIA L4 (23034 MiB, 22800 MiB free)"
    assert not facts().serves_cards
    assert facts(server=one).serves_cards
    assert not facts(server="Available devices:\n  (none)").serves_cards
    assert not facts(server=one, cards="exit 0\nNVIDIA L4, 1\nNVIDIA L4, 1").serves_cards
    assert not facts(server=one, cards=None).serves_cards


def test_little_of_it() -> None:
    names = ("release", "init", "sudo", "cards", "docker", "compose", "images", "flags", "limit", "used", "system")
    found = facts(**dict.fromkeys(names))
    bare = dataclasses.replace(found, machine=facts().machine)
    assert bare == HostFacts(facts().machine)
    assert found.docker_major is None
    assert (found.machine.gpus, found.machine.avx2) == ((), True)


def test_a_containers_own_limit_counts() -> None:
    machine = facts(limit=str(2048 * 1024 * 1024), used=str(48 * 1024 * 1024)).machine
    assert (machine.ram_total, machine.ram_free) == (2048, 2000)
    assert facts(limit=str(2**63 - 4096)).machine.ram_total == 128000


@pytest.mark.parametrize(
    ("cards", "problem"),
    [
        ("exit 15\nUnable to determine the device handle\n", "Unable to determine the device handle"),
        ("exit 6\nNo devices were found", ""),
        ("exit 124\n", "exit 124"),
        ("exit 9\n\x1b[31mbad", "[31mbad"),
    ],
)
def test_why_there_are_no_cards(cards: str, problem: str) -> None:
    machine = facts(cards=cards).machine
    assert (machine.gpus, machine.gpu_problem) == ((), problem)


def test_a_docker_that_does_not_answer_is_none_with_a_reason() -> None:
    found = facts(docker="exit 1\n\nCannot connect to the Docker daemon at unix:///var/run/docker.sock.")
    assert found.docker == ""
    assert found.docker_problem.startswith("Cannot connect")
    assert facts(docker="exit 0\n<no value>").docker_problem == "<no value>"
    assert facts(docker="exit 124\n").docker_problem == "docker ended with exit 124"


@pytest.mark.parametrize(
    ("part", "text", "sentence"),
    [
        ("end", None, "cut off"),
        ("cores", None, "0 cores"),
        ("cores", "-4", "0 cores"),
        ("cores", "NaN", "0 cores"),
        ("cores", "1000000000000000000", "cores"),
        ("memory", "", "how much memory"),
        ("memory", "MemTotal: 5 kB", "how much memory"),
        ("memory", "MemTotal: 0 kB\nMemAvailable: 0 kB", "0 MiB of memory"),
        ("memory", f"MemTotal: {10**17} kB\nMemAvailable: 1 kB", "MiB of memory"),
        ("disk", "df: no such file", "how much disk"),
        ("disk", f"x 1 1 {10**40} 1% /", "MiB of disk"),
    ],
)
def test_what_must_be_known_and_is_not_is_said(part: str, text: str | None, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        facts(**{part: text})


def test_a_part_that_comes_twice_counts_once() -> None:
    assert read_facts(said() + said(cores="99"), TOKEN, [], rows).machine.cores == 16


def test_a_full_disk_is_no_nonsense() -> None:
    assert facts(disk="x 1 1 -5 100% /").machine.disk_free == 0


@given(st.sampled_from(sorted(PARTS)), st.text(max_size=200))
def test_no_answer_breaks_it(part: str, text: str) -> None:
    try:
        found = facts(**{part: text})
    except ValueError:
        return
    shown = (found.machine.name, found.machine.system, found.machine.gpu_problem, found.distribution)
    assert all(word.isprintable() for word in (*shown, found.docker, found.docker_problem, found.compose))
    assert found.machine.cores > 0


@given(st.text(max_size=500))
def test_noise_alone_is_a_look_that_was_cut_off(text: str) -> None:
    with pytest.raises(ValueError, match="cut off"):
        read_facts(text, TOKEN, [], rows)
