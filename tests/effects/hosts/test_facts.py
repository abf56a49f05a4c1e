"""The look itself: on this machine, where another look is there to compare; and on machines by SSH."""

import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.grounded import stands
from fakes.hosts import host
from fakes.reached import there
from swarmctl.core.hostfacts import HostFacts, read_facts
from swarmctl.effects import machine
from swarmctl.effects.hosts import facts
from swarmctl.effects.hosts.ssh import Line
from swarmctl.errors import HostError

SMALL = "debian:bookworm-slim"


def here(folder: Path, programs: dict[str, str]) -> HostFacts:
    """The script by this machine's own shell, where these programs come first."""
    folder.mkdir(exist_ok=True)
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    path = f"{folder}:/usr/bin:/bin"
    script = Path(facts.__file__).with_name("facts.sh").read_text()
    argv = ["sh", "-s", "--", "tok", str(folder / "not" / "there"), "a b", "c"]
    done = subprocess.run(argv, input=script, capture_output=True, text=True, env={"PATH": path}, check=True)
    return read_facts(done.stdout, "tok", ["a b", "c"], machine.gpus)


def test_both_looks_at_one_machine_agree(tmp_path: Path) -> None:
    mine, other = machine.look(tmp_path), here(tmp_path, {}).machine
    assert (mine.name, mine.system, mine.cores, mine.avx2) == (other.name, other.system, other.cores, other.avx2)
    assert mine.ram_total == other.ram_total
    assert abs(mine.ram_free - other.ram_free) < 2000
    assert abs(mine.disk_free - other.disk_free) < 2000


def test_a_driver_that_does_not_know_capabilities_is_asked_again(tmp_path: Path) -> None:
    smi = 'case "$1" in *compute_cap*) echo "Field not valid"; exit 2 ;; *) echo "Tesla K80, 11441, GPU-1" ;; esac'
    found = here(tmp_path, {"nvidia-smi": smi}).machine
    assert [(card.name, card.memory, card.uuid) for card in found.gpus] == [("Tesla K80", 11441, "GPU-1")]


def test_cards_that_the_driver_does_not_find(tmp_path: Path) -> None:
    assert here(tmp_path, {"nvidia-smi": "echo driver mismatch; exit 18"}).machine.gpu_problem == "driver mismatch"


def test_docker_by_sudo_where_the_user_may_not(tmp_path: Path) -> None:
    tool = (
        'if [ -z "$ROOT" ]; then echo "permission denied" >&2; exit 1; fi\n'
        'case "$1 $2" in "version "*) echo 28.0.1 ;; "compose "*) echo v2.33.0 ;;\n'
        f'"image inspect") if [ "$5" = "a b" ]; then echo sha256:{"b" * 64}; else exit 1; fi ;; esac'
    )
    found = here(tmp_path, {"docker": tool, "sudo": 'shift; ROOT=1 exec "$@"'})
    assert (found.docker, found.docker_problem, found.compose) == ("28.0.1", "", "2.33.0")
    assert found.images == {"a b": f"sha256:{'b' * 64}"}
    assert found.sudo
    denied = here(tmp_path, {"docker": tool, "sudo": "exit 1"})
    assert (denied.docker, denied.docker_problem, denied.sudo) == ("", "permission denied", False)


def test_a_server_of_its_own_is_asked_for_cards_where_there_are_some(tmp_path: Path) -> None:
    card = 'echo "NVIDIA L4, 23034, 8.9, GPU-1"'
    server = '[ "$*" = --list-devices ] && echo "  CUDA0: NVIDIA L4 (23034 MiB, 22800 MiB free)"'
    found = here(tmp_path / "both", {"nvidia-smi": card, "llama-server": server})
    assert (found.devices, found.serves_cards) == (("CUDA0 (NVIDIA L4)",), True)
    blind = here(tmp_path / "blind", {"nvidia-smi": card, "llama-server": "echo Available devices:"})
    assert (blind.devices, blind.serves_cards) == ((), False)
    broken = here(tmp_path / "broken", {"nvidia-smi": "echo broken; exit 9", "llama-server": server})
    assert (broken.devices, broken.serves_cards) == ((), False)


@pytest.mark.slow
@pytest.mark.ground
def test_a_vm_with_cards_and_a_rented_container(tmp_path: Path) -> None:
    stands("engine", "bookworm", "host-vm", "host-container")
    with host("vm", gpus=2, card="rtx-4090", images=[SMALL]) as made, Line(there(made, tmp_path), tmp_path) as line:
        begun = time.monotonic()
        found = facts.look(line, folder="/var/lib/docker", images=[SMALL, "not:here"])
        print(f"facts, with the connection: {time.monotonic() - begun:.2f} s")
        assert [card.uuid for card in found.machine.gpus] == [card.uuid for card in made.cards]
        assert found.machine.name == made.name
        assert found.docker_major == 26
        assert found.compose.startswith("2.")
        assert (found.systemd, found.root, found.distribution) == (True, True, "debian 13")
        assert list(found.images) == [SMALL]
        assert found.images[SMALL] == made.docker(["inspect", "-f", "{{.Id}}", SMALL]).strip()
        made.ssh(["systemctl", "stop", "docker.socket", "docker"])
        assert "Cannot connect" in facts.look(line).docker_problem
        made.lose(1, "lost")
        assert facts.look(line).machine.gpu_problem
        made.put("/bin/nproc", "#!/bin/sh\necho -1\n")
        with pytest.raises(HostError, match="slot-0: it says that it has 0 cores"):
            facts.look(line)
    with host("container") as made, Line(there(made, tmp_path, "slot-1"), tmp_path) as line:
        found = facts.look(line)
        assert (found.docker, found.docker_problem, found.systemd, found.root) == ("", "", False, True)


@pytest.mark.slow
@pytest.mark.ground
def test_a_user_who_is_not_root(tmp_path: Path) -> None:
    stands("engine", "host-vm")
    with host("vm") as made:
        script = "useradd -m ada && cp -r /root/.ssh /home/ada/ && chown -R ada /home/ada/.ssh && chmod 755 /home/ada"
        made.ssh(["sh", "-c", script])
        with Line(replace(there(made, tmp_path), user="ada"), tmp_path) as line:
            found = facts.look(line)
            assert (found.root, found.sudo, found.docker) == (False, False, "")
            assert "permission denied" in found.docker_problem
            made.put("/etc/sudoers.d/ada", "ada ALL=(ALL) NOPASSWD: ALL\n")
            found = facts.look(line)
            assert (found.root, found.sudo, found.docker_major) == (False, True, 26)
            line.put({"/etc/made-by-root": b"x"}, root=True)
            assert line.run(["stat", "-c", "%U %a", "/etc/made-by-root"], seconds=5).stdout == "root 600\n"
            with pytest.raises(HostError, match="cannot be written"):
                line.put({"/etc/made-by-ada": b"x"})
