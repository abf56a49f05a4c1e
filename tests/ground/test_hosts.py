"""Test hosts are the machines that they stand for: how they boot, who may enter, what their Docker hands out."""

import subprocess
from pathlib import Path

import pytest
import yaml

from fakes.grounded import docker, stands
from fakes.hosts import Host, host

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=30)]

SMALL = "debian:bookworm-slim"
LOOK = (
    "nvidia-smi --query-gpu=uuid --format=csv,noheader 2>&-; ls /dev | grep nvidia; "
    "echo ${GGML_VK_VISIBLE_DEVICES-none}"
)


def test_a_vm_has_docker_with_cards_that_a_container_gets_by_request_only() -> None:
    stands("engine", "bookworm", "host-vm")
    with host("vm", gpus=2, card="rtx-4090", images=[SMALL]) as machine:
        assert machine.ssh(["systemctl", "is-active", "docker", "ssh"]).split() == ["active", "active"]
        one, two = (card.uuid for card in machine.cards)
        assert _sees(machine, "--device", "nvidia.com/gpu=0") == [one, "nvidia0", "0"]
        assert _sees(machine, "--device", "nvidia.com/gpu=1") == [two, "nvidia1", "0"]
        assert _sees(machine, "--device", "nvidia.com/gpu=all") == [one, two, "nvidia0", "nvidia1", "0"]
        assert _sees(machine) == ["none"]
        assert _composed(machine, "1") == [two, "nvidia1", "0"]


def test_a_lost_card_is_seen_by_the_host_by_its_container_and_by_who_asks_for_it() -> None:
    stands("engine", "bookworm", "host-vm")
    with host("vm", gpus=2, card="rtx-4090", images=[SMALL]) as machine:
        one, two = (card.uuid for card in machine.cards)
        machine.docker(["run", "-d", "--name", "holds", "--device", "nvidia.com/gpu=1", SMALL, "sleep", "300"])
        inside = ["docker", "exec", "holds", "nvidia-smi", "-L"]
        assert two in machine.ssh(inside)
        machine.lose(1)
        assert one in machine.ssh(["nvidia-smi", "-L"])
        assert two not in machine.ssh(["nvidia-smi", "-L"])
        assert machine.tries(inside).stdout == b"No devices were found\n"
        refused = machine.tries(["docker", "run", "--rm", "--device", "nvidia.com/gpu=1", SMALL, "true"])
        assert b"unresolvable CDI devices nvidia.com/gpu=1" in refused.stderr
        machine.find(1)
        assert two in machine.ssh(inside)
        machine.lose(1, "lost")
        assert (machine.tries(["nvidia-smi", "-L"]).returncode, machine.tries(inside).returncode) == (15, 15)


def test_a_reboot_keeps_the_machine_and_starts_its_services() -> None:
    stands("engine", "bookworm", "host-vm")
    with host("vm", gpus=1, images=[SMALL]) as machine:
        asked = ["sh", "-c", "cat /etc/machine-id; docker images -q; cat /etc/ssh/ssh_host_ed25519_key.pub"]
        machine.docker(["run", "-d", "--restart", "always", "--name", "stays", SMALL, "sleep", "300"])
        before, booted = machine.ssh(asked), _booted(machine)
        machine.reboot()
        assert machine.ssh(asked) == before
        assert _booted(machine) != booted
        assert machine.docker(["inspect", "-f", "{{.State.Running}}", "stays"]).strip() == "true"


def test_only_its_own_key_opens_a_host(tmp_path: Path) -> None:
    stands("engine", "host-container")
    with host("container") as machine:
        assert machine.ssh(["id", "-un"]) == "root\n"
        other = tmp_path / "id"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
        options = [str(other) if word == str(machine.key) else word for word in machine.ssh_options]
        argv = ["ssh", *options, "-p", str(machine.port), "root@127.0.0.1", "true"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 255
        assert "Permission denied" in done.stderr


def test_a_rented_container_has_no_docker_and_no_service_manager() -> None:
    stands("engine", "host-container")
    with host("container", gpus=1, card="rtx-4090") as machine:
        assert machine.ssh(["cat", "/proc/1/comm"]) == "sshd\n"
        for program in ("docker", "dockerd", "sudo"):
            assert machine.tries(["which", program]).returncode == 1, program
        assert machine.tries(["systemctl", "is-system-running"]).stdout.strip() != b"running"
        assert "RTX 4090" in machine.ssh(["nvidia-smi", "-L"])
        assert machine.tries(["mount", "-t", "tmpfs", "none", "/mnt"]).returncode != 0


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_bare_host_has_a_service_manager_ssh_and_python_and_takes_packages(suite: str) -> None:
    stands("engine", f"host-bare-{suite}")
    with host("bare", suite=suite) as machine:
        assert machine.ssh(["cat", "/proc/1/comm"]) == "systemd\n"
        assert machine.ssh(["python3", "-c", "print(6 * 7)"]) == "42\n"
        for program in ("docker", "sudo", "iptables"):
            assert machine.tries(["which", program]).returncode == 1, program
        unit = ["systemd-run", "--wait", "-q", "--unit", "story", "sh", "-c", "echo told > /root/story"]
        machine.ssh(unit)
        assert machine.ssh(["cat", "/root/story"]) == "told\n"


def test_a_client_here_talks_to_the_docker_there() -> None:
    stands("engine", "bookworm", "host-vm")
    with host("vm", images=[SMALL]) as machine, machine.engine() as address:
        assert docker("-H", address, "info", "-f", "{{.Name}}").strip() == machine.name
        machine.take("debian:bookworm-slim")


def test_nothing_of_a_host_is_left(tmp_path: Path) -> None:
    stands("engine", "bookworm", "host-vm")
    with host("vm", images=[SMALL]) as machine:
        machine.docker(["run", "-d", SMALL, "sleep", "300"])
        container = docker("inspect", "-f", "{{.Id}}", machine.name).strip()
        assert _groups(container)
    assert docker("ps", "-aq", "--filter", f"name={machine.name}") == ""
    assert docker("volume", "ls", "-q", "--filter", f"name={machine.name}") == ""
    assert not _groups(container)
    assert not machine.folder.exists()


def _sees(machine: Host, *request: str) -> list[str]:
    return machine.docker(["run", "--rm", *request, SMALL, "sh", "-c", LOOK]).split()


def _composed(machine: Host, gpu: str) -> list[str]:
    request = {"driver": "cdi", "device_ids": [f"nvidia.com/gpu={gpu}"], "capabilities": ["gpu"]}
    service = {
        "image": SMALL,
        "command": ["sh", "-c", LOOK.replace("$", "$$")],
        "deploy": {"resources": {"reservations": {"devices": [request]}}},
    }
    machine.put("/root/one/compose.yml", yaml.safe_dump({"name": "one", "services": {"look": service}}))
    said = machine.ssh(["docker", "compose", "-f", "/root/one/compose.yml", "run", "--rm", "-T", "look"]).split()
    machine.ssh(["docker", "compose", "-f", "/root/one/compose.yml", "down"])
    return said


def _booted(machine: Host) -> str:
    return machine.ssh(["stat", "-c", "%Y", "/proc/1"]).strip()


def _groups(container: str) -> list[Path]:
    return list(Path("/sys/fs/cgroup").glob(f"**/{container}*"))
