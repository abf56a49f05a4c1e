"""Rentals that are real: how they start, who may enter, what they hold, and that nothing of them stays."""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from fakes.grounded import stands
from fakes.practice import KVM, Process, process, rental

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=40)]

CONTRACT = "swarmctl-market.contract"


@dataclass
class Renter:
    """Somebody with a key, and what they rented last."""

    market: Process
    key: Path
    id: int = 0
    own: str = ""

    def rent(self, vm: bool, **more: Any) -> None:
        """Rents the cheapest machine with two A100."""
        query = {"gpu_name": {"eq": "A100 SXM4"}, "num_gpus": {"eq": 2}, "vms_enabled": {"eq": True}}
        query |= {"disk_space": {"gt": 60}, "order": [["dph_total", "asc"]]}
        offer = self.market.ask("POST", "/api/v0/bundles/", query)["offers"][0]
        body = rental(**more) | ({"image": KVM, "runtype": "ssh"} if vm else {})
        told = self.market.ask("PUT", f"/api/v0/asks/{offer['id']}/", body)
        self.id, self.own = told["new_contract"], told["instance_api_key"]

    def show(self) -> Any:
        """The instance."""
        return self.market.ask("GET", f"/api/v0/instances/{self.id}/")["instances"]

    def tries(self, port: int, *words: str) -> subprocess.CompletedProcess[str]:
        """A command there, whatever comes of it."""
        options = ("BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR")
        argv = ["ssh", "-F", "none", "-i", str(self.key), "-o", "ConnectTimeout=5"]
        argv += [word for option in options for word in ("-o", option)]
        argv += ["-p", str(port), "root@127.0.0.1", *words]
        return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)

    def enters(self, seconds: float = 60) -> int:
        """The port, once a command runs there."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            ports = self.show()["ports"]
            if ports and self.tries(port := int(ports["22/tcp"][0]["HostPort"]), "true").returncode == 0:
                return port
            time.sleep(0.2)
        raise AssertionError(self.show())

    def says(self, port: int, command: str) -> str:
        """What a command prints there."""
        done = self.tries(port, command)
        assert done.returncode == 0, done
        return done.stdout


def _left(state: str) -> str:
    """Containers and volumes of a market's rentals."""
    argv = ["docker", "ps", "-aq", "--filter", f"label={CONTRACT}", "--filter", f"label=swarmctl-market.state={state}"]
    containers = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    argv = ["docker", "volume", "ls", "-q", "--filter", f"name=swarmctl-market-{state}"]
    return containers + subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def _mark(id_: int) -> str:
    """The state that a rental's container belongs to."""
    shown = [
        "docker",
        "ps",
        "-a",
        "--filter",
        f"label={CONTRACT}={id_}",
        "--format",
        '{{.Label "swarmctl-market.state"}}',
    ]
    return subprocess.run(shown, capture_output=True, text=True, check=True).stdout.split()[0]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    stands("engine", "host-vm", "host-container")
    file = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file], check=True)
    return file


def _words(tmp_path: Path, seed: int, *more: str) -> tuple[str, ...]:
    """Markets of tests have seeds of their own, so that their rentals have numbers of their own."""
    state = ("--state", str(tmp_path / "state"), "--seed", str(seed))
    return ("--hosts", "docker", "--limits", "off", "--pace", "0.02", *state, *more)


def test_a_vm_is_a_machine_that_outlives_the_market_and_goes_with_its_contract(tmp_path: Path, key: Path) -> None:
    words = _words(tmp_path, 1)
    with process(*words) as market:
        me = Renter(market, key)
        market.ask("POST", "/api/v0/ssh/", {"ssh_key": Path(f"{key}.pub").read_text()})
        me.rent(vm=True, env={"-p 8000:8000": "1", "A": "b c"}, onstart="#!/bin/sh\ncp /etc/hostname /root/began\n")
        assert me.show()["ports"] is None
        port = me.enters()
        assert me.says(port, "systemctl is-system-running --wait; cat /proc/1/comm").split() == ["running", "systemd"]
        assert me.says(port, "cat /root/began") == f"C.{me.id}\n"
        assert me.says(port, "echo $A $CONTAINER_ID") == f"b c {me.id}\n"
        assert me.own not in me.says(port, "cat /etc/environment /proc/1/environ"), "VMs are not given the key"
        assert me.says(port, "nvidia-smi -L").count("NVIDIA A100-SXM4") == 2
        cdi = me.says(port, "docker info -f '{{.CDISpecDirs}}'; cat /etc/cdi/nvidia.json")
        assert '"name": "1"' in cdi
        row = me.show()
        assert me.tries(int(row["ssh_port"]), "true").returncode == 255, "no VM is reached through the proxy"
        state = _mark(me.id)
        me.says(port, "echo kept > /root/kept")
        market.process.kill()
        market.process.wait()
    with process(*words) as market:
        me.market = market
        assert me.says(port, "cat /root/kept") == "kept\n"
        market.ask("PUT", f"/api/v0/instances/{me.id}/", {"state": "stopped"})
        _until(lambda: me.tries(port, "true").returncode == 255)
        market.ask("PUT", f"/api/v0/instances/{me.id}/", {"state": "running"})
        assert me.says(me.enters(), "cat /root/kept") == "kept\n"
        script = (
            "import os,urllib.request as u;u.urlopen(u.Request(os.environ['VAST_URL']+"
            f"'/api/v0/instances/{me.id}/',method='DELETE',headers={{'Authorization':'Bearer {me.own}'}}))"
        )
        me.tries(port, f'python3 -c "{script}"')
        _until(lambda: me.show() is None)
        _until(lambda: not _left(state))


def test_a_container_has_a_proxy_a_key_and_no_docker_and_sigterm_ends_it(tmp_path: Path, key: Path) -> None:
    words = _words(tmp_path, 2)
    with process(*words) as market:
        me = Renter(market, key)
        me.rent(vm=False, onstart="echo began > /root/began; env > /root/env")
        market.ask("POST", f"/api/v0/instances/{me.id}/ssh/", {"ssh_key": Path(f"{key}.pub").read_text()})
        port = me.enters()
        row = me.show()
        assert me.says(int(row["ssh_port"]), "cat /root/began") == "began\n"
        assert me.own in me.says(port, "grep ^CONTAINER_API_KEY= /root/env")
        assert me.tries(port, "which docker systemctl").returncode == 1
        assert "A100" in me.says(port, "nvidia-smi --query-gpu=name,memory.total --format=csv,noheader")
        name = f"swarmctl-market-{_mark(me.id)}-{me.id}"
        shown = ["docker", "inspect", "-f", "{{.Path}} {{.Args}}", name]
        argv = subprocess.run(shown, capture_output=True, text=True, check=True)
        assert me.own not in argv.stdout
        state = _mark(me.id)
    assert _left(state) == ""
    with process(*words) as market:
        me.market = market
        assert me.show()["actual_status"] in {"unknown", "offline"}
        market.ask("DELETE", f"/api/v0/instances/{me.id}/", {})
        assert me.show() is None


def test_an_image_that_is_not_there_shows_as_an_error_of_the_machine(tmp_path: Path, key: Path) -> None:
    with process(*_words(tmp_path, 4, "--container-image", "swarmctl/none:at-all", "--pace", "1")) as market:
        me = Renter(market, key)
        me.rent(vm=False)
        _until(lambda: (me.show()["status_msg"] or "").startswith("Error response from daemon"))
        assert me.show()["actual_status"] == "created"
        market.ask("DELETE", f"/api/v0/instances/{me.id}/", {})
        with pytest.raises(HTTPError, match="404"):
            market.ask("DELETE", f"/api/v0/instances/{me.id}/", {})


def _until(true: Any, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.2)
