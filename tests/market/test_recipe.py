"""How a rental becomes a container: its words, its files, its cards."""

import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from fakes.practice import KEY, KVM, Practice, rental
from swarmctl.effects.hardware import profiles
from swarmctl.market.cards import CARDS
from swarmctl.market.hosts.cards import driver_name
from swarmctl.market.hosts.guest import Guest, guests
from swarmctl.market.hosts.recipe import Images, archive, create, environment


def _guest(vm: bool, **more: object) -> Guest:
    p = Practice()
    p.ok("POST", "/api/v0/ssh/", {"ssh_key": KEY})
    body = {"image": KVM, "runtype": "ssh"} if vm else {}
    p.rent(p.offer(num_gpus={"eq": 2}), **{**body, **more})
    return guests(p.market.world, p.market.world.now(), "http://there:1")[0]


def _files(packed: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        found = {one.name: tar.extractfile(one) for one in tar if one.isfile()}
        return {name: file.read().decode() for name, file in found.items() if file}


def test_no_word_holds_a_secret_and_ports_are_on_loopback() -> None:
    guest = _guest(vm=False, env={"-p 8000:8000": "1", "-p 9000/udp": "1", "-p 70000:70000": "1", "TOKEN": "hidden"})
    words = create(guest, "mark", Images(), "/env")
    assert not any("hidden" in word or guest.env["CONTAINER_API_KEY"] in word for word in words)
    assert "CONTAINER_API_KEY" in environment(guest.env)
    published = [words[n + 1] for n, word in enumerate(words) if word == "-p"]
    assert all(one.startswith("127.0.0.1:") for one in published)
    assert f"127.0.0.1:{guest.ports['9000/udp']}:9000/udp" in published
    same = guest.ports["70000/tcp"]
    assert f"127.0.0.1:{same}:{same}/tcp" in published
    assert guest.env["VAST_TCP_PORT_70000"] == str(same)
    assert published[-1] == f"127.0.0.1:{guest.proxy}:22"


def test_a_vm_gets_no_key_but_its_variables_and_its_first_script() -> None:
    guest = _guest(vm=True, env={"A": "b c"}, onstart="#!/bin/sh\n")
    assert "CONTAINER_API_KEY" not in guest.env
    assert guest.proxy == 0
    files = _files(archive(guest, "{}", Images()))
    assert 'A="b c"\n' in files["etc/environment"]
    assert files["root/onstart.sh"] == "#!/bin/sh\n"
    assert "ExecStart=/root/onstart.sh" in files["etc/systemd/system/onstart.service"]
    assert files["root/.ssh/authorized_keys"] == KEY + "\n"
    assert "etc/systemd/system/onstart.service" not in _files(archive(_guest(vm=True), "{}", Images()))


def test_what_does_not_fit_on_a_line_is_no_variable() -> None:
    assert environment({"A": "1", "B": "x\nC=2", "D=E": "3", "": "4"}) == "A=1\n"


def test_an_overlay_replaces_and_adds_files_and_brings_its_hook(tmp_path: Path) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "usr/bin/nvidia-smi").write_text("mine")
    (tmp_path / "usr/bin/warm-shaders").write_text("hook")
    guest = _guest(vm=True)
    plain, laid = (_files(archive(guest, "{}", Images(overlay=one))) for one in (None, tmp_path))
    assert (laid["usr/bin/nvidia-smi"], plain["usr/bin/nvidia-smi"][:9]) == ("mine", "#!/bin/sh")
    assert "hooks" in json.loads(laid["etc/cdi/nvidia.json"])["containerEdits"]
    assert "hooks" not in json.loads(plain["etc/cdi/nvidia.json"])["containerEdits"]


def test_cards_are_called_as_their_profiles_know_them() -> None:
    known = {name: (one.names.driver, one.memory) for one in profiles() for name in one.names.market}
    seen = 0
    for card in CARDS:
        for size in card.sizes:
            fitting = [
                one
                for one in profiles()
                if card.name in one.names.market and abs(one.memory - size) < 0.07 * one.memory
            ]
            seen += bool(fitting)
            for one in fitting:
                assert driver_name(card.name, size) in one.names.driver, (card.name, size)
    assert seen > 15, known


@pytest.mark.parametrize("query", ["index,name,uuid", "memory.total,compute_cap", "count"])
def test_the_stand_in_tool_prints_what_the_real_one_does(query: str, tmp_path: Path) -> None:
    guest = _guest(vm=True)
    files = _files(archive(guest, "{}", Images()))
    for name in ("0", "1"):
        (tmp_path / name).write_text(files[f"etc/stand-in-cards/{name}"])
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        files["usr/bin/nvidia-smi"].replace("/etc/stand-in-cards", str(tmp_path)).replace("/*\n", "/[01]\n")
    )
    argv = ["sh", str(tool), f"--query-gpu={query}", "--format=csv,noheader,nounits"]
    lines = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    name = driver_name(guest.card, guest.memory)
    first = {"index,name,uuid": f"0, {name}, GPU-", "memory.total,compute_cap": f"{guest.memory}, 8.0", "count": "2"}
    assert len(lines) == 2
    assert lines[0].startswith(first[query])
    refused = subprocess.run(["sh", str(tool), "--query-gpu=colour", "--format=csv"], capture_output=True, check=False)
    assert refused.returncode == 2


def test_a_rental_is_made_runs_and_stops_as_its_state_says() -> None:
    p = Practice(apart=0, limits=False)
    id_ = p.ok("PUT", f"/api/v0/asks/{p.offer()['id']}/", rental())["new_contract"]

    def state() -> list[str]:
        p.show(id_)
        return [one.state for one in guests(p.market.world, p.market.world.now(), "")]

    assert state() == ["made"]
    p.clock.advance(400)
    assert state() == ["running"]
    p.ok("PUT", f"/api/v0/instances/reboot/{id_}/", {})
    assert state() == ["stopped"]
    p.clock.advance(60)
    assert state() == ["running"]
    p.control("POST", "happen", {"contract": id_, "what": "host-gone"})
    assert state() == ["stopped"]
    p.destroy(id_)
    assert state() == []
