"""`prepare` on bare machines with a real systemd, over real SSH: from nothing, again, checked, cut off, refused."""

import _thread
import dataclasses
from ipaddress import ip_network
from pathlib import Path

import pytest

from fakes.grounded import stands
from fakes.hosts import Host, host
from fakes.playing import address, ansible, bare, everything, inventory_words, needs_ansible, open_ports, run, target
from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.effects.hosts.playbooks import Playbook, play
from swarmctl.errors import Cancelled, DeployError, HostError

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=90)]

SMALL = "debian:bookworm-slim"
LISTEN = (
    "use IO::Socket::INET; $s = IO::Socket::INET->new(Listen => 5, LocalAddr => '0.0.0.0', LocalPort => {port}, "
    "ReuseAddr => 1) or die; while ($c = $s->accept) {{ close $c }}"
)
DIAL = "use IO::Socket::INET; exit(IO::Socket::INET->new(PeerAddr => '{place}:{port}', Timeout => 2) ? 0 : 3)"
PORTS = [*range(1, 1025), 2375, 2376, 5000, 8080, 9000, 11434, *range(32768, 32800)]
ENGINES = {"bookworm": ("20.10", False), "trixie": ("26.", True)}


@pytest.fixture(autouse=True)
def ground() -> None:
    needs_ansible()
    stands("engine", "bookworm", "host-bare-bookworm", "host-bare-trixie", "host-vm")


@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_bare_debian_becomes_a_host_and_stays_one(suite: str, tmp_path: Path) -> None:
    with bare(suite) as machine:
        before = everything(machine)
        assert run(machine, "prepare", tmp_path, check=True).changed["slot-0"] > 5
        assert everything(machine) == before

        first = run(machine, "prepare", tmp_path)
        assert first.changed["slot-0"] > 5
        assert _facts(first.facts["slot-0"], suite)
        assert machine.docker(["compose", "version", "--short"]).startswith("2.")

        again = [run(machine, "prepare", tmp_path) for _ in range(3)]
        assert [one.changed for one in again] == [{"slot-0": 0}] * 3
        assert min(one.seconds for one in again) < 5
        thorough = run(machine, "prepare", tmp_path, preflight_thorough=True)
        assert thorough.changed == {"slot-0": 0}
        assert thorough.tasks > again[0].tasks
        print(f"{suite}: {first.seconds:.1f} s from nothing, {min(one.seconds for one in again):.1f} s again")

        _only_ssh_is_reachable(machine)
        machine.reboot()
        assert open_ports(address(machine), PORTS) == [22]
        assert run(machine, "prepare", tmp_path).changed == {"slot-0": 0}


def _facts(said: object, suite: str) -> bool:
    version, cdi = ENGINES[suite]
    assert isinstance(said, dict)
    assert str(said["swarmctl_docker_engine"]).startswith(version)
    assert (said["swarmctl_docker_cdi"], said["swarmctl_cards"]) == (cdi, 0)
    return True


def _only_ssh_is_reachable(machine: Host) -> None:
    """With the firewall off all three are, so that the scan is known to see them."""
    machine.take(SMALL)
    inside = LISTEN.format(port=80)
    machine.docker(["run", "-d", "--restart", "always", "-p", "0.0.0.0:8080:80", SMALL, "perl", "-e", inside])
    machine.ssh(["systemd-run", "-q", "--unit", "open", "perl", "-e", LISTEN.format(port=9000)])
    place = address(machine)
    assert open_ports(place, PORTS) == [22]
    assert machine.tries(["perl", "-e", DIAL.format(place="127.0.0.1", port=8080)]).returncode == 0
    subnet = machine.docker(["network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Subnet}}"]).strip()
    gateway = next(ip_network(subnet).hosts())
    dial = ["docker", "run", "--rm", SMALL, "perl", "-e"]
    assert machine.tries([*dial, DIAL.format(place=gateway, port=9000)]).returncode == 3
    assert machine.tries([*dial, DIAL.format(place=gateway, port=22)]).returncode == 3
    machine.ssh(["systemctl", "stop", "swarmctl-firewall"])
    assert open_ports(place, PORTS) == [22, 8080, 9000]
    assert machine.tries([*dial, DIAL.format(place=gateway, port=9000)]).returncode == 0
    machine.ssh(["systemctl", "start", "swarmctl-firewall"])
    machine.ssh(["systemctl", "restart", "docker"])
    assert open_ports(place, PORTS) == [22]


def test_a_run_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    with bare("trixie") as machine:
        said: list[str] = []

        def cut(line: str) -> None:
            said.append(line)
            if len(said) == 3:
                _thread.interrupt_main()

        with pytest.raises(Cancelled, match="prepare was cancelled"):
            play(Playbook("prepare"), [target(machine)], tmp_path, cut)
        assert said[:3]
        assert machine.tries(["which", "docker"]).returncode == 1
        # What apt still does there is waited for, as is somebody else who holds its lock.
        hold = "import fcntl, time; f = open('/var/lib/dpkg/lock-frontend', 'w'); fcntl.lockf(f, 2); time.sleep(8)"
        machine.ssh(["systemd-run", "-q", "python3", "-c", hold])
        done = run(machine, "prepare", tmp_path)
        assert done.changed["slot-0"] > 0
        assert run(machine, "prepare", tmp_path).changed == {"slot-0": 0}


def test_a_task_that_fails_is_told_with_its_host_and_where_to_read_on(tmp_path: Path) -> None:
    with host("vm") as machine:
        with pytest.raises(DeployError) as caught:
            run(machine, "prepare", tmp_path, base_packages=["no-such-package-anywhere"])
        assert "prepare failed at slot-0: packages: Install" in caught.value.message
        assert "no-such-package-anywhere" in caught.value.message
        log = Path(caught.value.hint.removeprefix("less "))
        assert "no-such-package-anywhere" in log.read_text()
        away = dataclasses.replace(target(machine), port=1)
        with pytest.raises(HostError, match=r"slot-0 cannot be reached by SSH: .*refused"):
            play(Playbook("prepare"), [away], tmp_path, str).proved()
        (machine.folder / "pinned").write_text(f"[127.0.0.1]:{machine.port} {_other_key(tmp_path)}\n")
        with pytest.raises(HostError, match="cannot be reached"):
            run(machine, "prepare", tmp_path)


def _other_key(folder: Path) -> str:
    import subprocess

    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "other"], check=True)
    return " ".join((folder / "other.pub").read_text().split()[:2])


def test_cards_are_taken_from_what_describes_them_and_refused_without(tmp_path: Path) -> None:
    with host("vm", gpus=2, card="rtx-4090") as machine:
        facts = run(machine, "prepare", tmp_path, nvidia_required=True).facts["slot-0"]
        assert (facts["swarmctl_cards"], facts["swarmctl_docker_cdi"]) == (2, True)
        machine.ssh(["rm", "/etc/cdi/nvidia.json"])
        with pytest.raises(DeployError, match="2 cards are here, Docker cannot hand them out"):
            run(machine, "prepare", tmp_path)
        with pytest.raises(DeployError, match=r"driver is 570.133.20; engines need 600"):
            run(machine, "prepare", tmp_path, nvidia_driver_least="600")


def test_rules_that_shut_us_out_go_away_by_themselves(tmp_path: Path) -> None:
    with host("vm") as machine:
        with pytest.raises((DeployError, HostError)):
            run(machine, "prepare", tmp_path, firewall_ports=[2], firewall_undo_seconds=20)

        def answers() -> bool:
            return machine.tries(["true"]).returncode == 0

        wait_until(answers, clock=SystemClock(), deadline=60, every=1, what="SSH")
        assert "inet swarmctl" not in machine.ssh(["nft", "list", "tables"])
        assert run(machine, "prepare", tmp_path).changed["slot-0"] > 0
        assert open_ports(address(machine), PORTS) == [22]


def test_people_who_have_ansible_alone_prepare_a_host_by_the_example() -> None:
    words = ["ansible-playbook", "-i", "inventory/hosts.example.yml", "playbooks/prepare.yml"]
    with host("vm") as machine:
        given = inventory_words(machine)
        done = ansible(*words, *given)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
        assert "changed=0" in ansible(*words, *given).stdout
        assert open_ports(address(machine), PORTS) == [22]


def test_a_host_that_lacks_cards_or_is_of_another_kind_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    with host("vm") as machine:
        before = everything(machine)
        with pytest.raises(DeployError, match=r"preflight: This machine can be prepared"):
            run(machine, "prepare", tmp_path, preflight_systems={"debian": ["11"]})
        with pytest.raises(DeployError, match=r"999999999 MiB free"):
            run(machine, "prepare", tmp_path, preflight_free_mib=999_999_999)
        assert everything(machine) == before
