"""A line to a machine: real OpenSSH, to ports where no SSH is, and to machines."""

import socket
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from fakes.grounded import docker, stands
from fakes.hosts import Host, host
from fakes.reached import closed_port, listener, nobody, there
from swarmctl.core.hosts import Host as Target
from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.effects.hosts.hostkeys import fingerprints, is_pinned
from swarmctl.effects.hosts.ssh import Line
from swarmctl.errors import HostError, SpecError


def refused(line: Line, seconds: float = 10) -> HostError:
    with pytest.raises(HostError) as caught:
        line.run(["true"], seconds=seconds)
    return caught.value


def test_a_closed_port_is_told_with_what_to_type(tmp_path: Path) -> None:
    port = closed_port()
    letter = refused(Line(nobody(tmp_path, port), tmp_path))
    assert letter.message == f"slot-0: 127.0.0.1:{port} refuses the connection: no SSH listens there"
    assert "Connection refused" in letter.detail
    assert letter.hint == f"ssh -F none -p {port} root@127.0.0.1 -v true"


def test_one_that_hangs_up_and_one_that_is_no_ssh(tmp_path: Path) -> None:
    with listener(b"") as port:
        assert "hangs up before SSH begins" in refused(Line(nobody(tmp_path, port), tmp_path)).message
    with listener(b"220 mail\r\n" * 2000) as port:
        assert refused(Line(nobody(tmp_path, port), tmp_path)).detail


@pytest.mark.slow
def test_one_that_says_nothing_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    with listener(None) as port:
        begun = time.monotonic()
        assert "does not answer" in refused(Line(nobody(tmp_path, port), tmp_path, patience=1)).message
        assert time.monotonic() - begun < 4


def test_settings_that_openssh_cannot_read(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Nonsense yes\n")
    with pytest.raises(HostError) as caught:
        Line(Target("slot-0", "127.0.0.1", config=str(config)), tmp_path).run(["true"], seconds=5)
    assert "cannot read its settings" in caught.value.message
    assert "nonsense" in caught.value.detail.lower()


@pytest.mark.parametrize("path", ["", "x", "/", "/a/..", "/a//b", "/a/", "/a\nb"])
def test_a_path_that_is_none_is_refused_before_anything_is_sent(tmp_path: Path, path: str) -> None:
    line = Line(nobody(tmp_path, 1), tmp_path)
    with pytest.raises(SpecError):
        line.put({path: b""})
    with pytest.raises(SpecError):
        line.fetch(path)


def test_where_there_is_no_openssh_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    letter = refused(Line(nobody(tmp_path, 1), tmp_path))
    assert (letter.message, letter.hint) == (
        "ssh cannot be started: No such file or directory",
        "apt install openssh-client",
    )


def test_a_host_that_cannot_be_used_is_no_line(tmp_path: Path) -> None:
    with pytest.raises(SpecError):
        Line(Target("slot-0", "-oProxyCommand=x"), tmp_path)


def test_a_socket_has_a_path_that_openssh_takes(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90)
    assert len(str(Line(nobody(tmp_path, 1), deep).socket)) + 17 < 104
    odd = tmp_path / "a %h b"
    assert "%" not in str(Line(nobody(tmp_path, 1), odd).socket)


@pytest.mark.slow
@pytest.mark.ground
def test_commands_files_and_one_connection_for_all(tmp_path: Path) -> None:
    stands("engine", "host-container")
    with host("container") as machine, Line(there(machine, tmp_path), tmp_path / "s") as line:
        assert line.run(["printf", "%s|", "a b", "$x", "*", "'"], seconds=20).stdout == "a b|$x|*|'|"
        begun = time.monotonic()
        for _ in range(5):
            assert line.run(["true"], seconds=20).code == 0
        print(f"a command on the shared connection: {(time.monotonic() - begun) / 5:.3f} s")
        assert _sessions(machine) == 1
        assert line.run(["sh", "-c", "echo no >&2; exit 255"], seconds=5).stderr == "no\n"
        with pytest.raises(HostError, match="slot-0: false ended with exit 1"):
            line.run(["false"], seconds=5, check=True)
        with pytest.raises(HostError, match="sleep did not end within 1 s"):
            line.run(["sleep", "60"], seconds=1)
        _files(line, tmp_path)
        docker("exec", machine.name, "sh", "-c", "kill $(pgrep -f '[s]shd.*root@notty')")
        assert line.run(["echo", "again"], seconds=20).stdout == "again\n"
    assert not list((tmp_path / "s").iterdir())
    assert not [one for one in psutil.process_iter(["cmdline"]) if str(tmp_path) in " ".join(one.info["cmdline"] or [])]


def _files(line: Line, folder: Path) -> None:
    big = folder / "big"
    big.write_bytes(bytes(range(256)) * 20_000)
    line.put({"/srv/a b/$x": b"text", "/srv/big": big}, modes={"/srv/big": 0o755})
    assert line.fetch("/srv/a b/$x") == b"text"
    assert line.fetch("/srv/big") == big.read_bytes()
    shown = line.run(["stat", "-c", "%a", "/srv/a b", "/srv/a b/$x", "/srv/big"], seconds=5).stdout
    assert shown.split() == ["755", "600", "755"]
    with pytest.raises(HostError, match="2 files cannot be written") as caught:
        line.put({"/srv/a b": b"", "/srv/other": b""})
    assert "/srv/a b is a folder" in caught.value.detail
    assert line.run(["find", "/srv", "-name", ".*"], seconds=5).stdout == ""
    with pytest.raises(FileNotFoundError):
        line.put({"/srv/none": folder / "none"})
    assert line.run(["ls", "-A", "/srv"], seconds=5).stdout.split("\n") == ["a b", "big", ""]
    with pytest.raises(HostError, match="/srv/none cannot be read"):
        line.fetch("/srv/none")
    with pytest.raises(HostError, match="said more than"):
        line.fetch("/srv/big", most=1000)


def _sessions(machine: Host) -> int:
    said = docker("exec", machine.name, "sh", "-c", "ps ax -o args | grep -c '^sshd.*root@notty'")
    return int(said.split()[0])


@pytest.mark.slow
@pytest.mark.ground
@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_key_is_pinned_once_and_another_is_refused_of_the_same_kind_or_not(kind: str, tmp_path: Path) -> None:
    stands("engine", "host-container")
    with host("container") as machine, Line(there(machine, tmp_path), tmp_path / "s") as line:
        line.run(["true"], seconds=20)
        assert is_pinned(line.host)
        pinned = fingerprints(line.host)
        make = f"rm /etc/ssh/ssh_host_*; ssh-keygen -q -t {kind} -N '' -f /etc/ssh/ssh_host_{kind}_key; kill -HUP 1"
        docker("exec", machine.name, "sh", "-c", make)

        def turned() -> bool:
            line.close()
            found = line.trouble()
            return found is not None and found.kind != "refused"

        wait_until(turned, clock=SystemClock(), deadline=10, every=0.1, what="its other key")
        letter = refused(line)
        assert "another machine answers" in letter.message, letter.detail
        assert letter.hint.startswith("ssh-keygen -R")
        assert fingerprints(line.host) == pinned


@pytest.mark.slow
@pytest.mark.ground
def test_a_key_that_cannot_be_written_down_is_no_first_contact(tmp_path: Path) -> None:
    stands("engine", "host-container")
    with host("container") as machine:
        (tmp_path / "slot-0.keys").mkdir()
        assert "its host key cannot be pinned" in refused(Line(there(machine, tmp_path), tmp_path / "s")).message


@pytest.mark.slow
@pytest.mark.ground
def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    stands("engine", "host-bare-trixie")
    with host("bare") as machine, Line(there(machine, tmp_path), tmp_path / "s") as line:
        line.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", "/mnt"], seconds=20, check=True)
        line.put({"/mnt/a": b"before"})
        with pytest.raises(HostError, match="slot-0: its disk is full: 2 files cannot be written"):
            line.put({"/mnt/a": b"after", "/mnt/b": bytes(3_000_000)})
        assert line.fetch("/mnt/a") == b"before"
        assert line.run(["ls", "-A", "/mnt"], seconds=5).stdout == "a\n"


@pytest.mark.slow
@pytest.mark.ground
def test_the_users_configuration_and_a_jump_host_are_honoured(tmp_path: Path) -> None:
    stands("engine", "host-container")
    with host("container") as machine:
        config = tmp_path / "config"
        keys = (
            f"  IdentityFile {machine.key}\n  IdentitiesOnly yes\n  UserKnownHostsFile {machine.folder}/known_hosts\n"
        )
        port = f"  HostName 127.0.0.1\n  Port {machine.port}\n"
        config.write_text(
            f"Host first\n{port}{keys}"
            f"Host gpu1\n{port}{keys}  ForwardAgent yes\n"
            f"  LocalForward 127.0.0.1:{(port_here := closed_port())} 127.0.0.1:1\n  RemoteCommand sleep 9\n"
            f"Host inner\n  HostName 127.0.0.1\n  IdentityFile {machine.key}\n"
        )
        alias = Target("slot-0", "gpu1", config=str(config))
        with Line(alias, tmp_path / "s") as line:
            assert line.run(["sh", "-c", "echo ${SSH_AUTH_SOCK-none}"], seconds=20).stdout == "none\n"
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port_here), 2)
        jumped = replace(alias, address="inner", jump="root@first", known_hosts=str(tmp_path / "inner"))
        with Line(jumped, tmp_path / "s") as line:
            assert line.run(["sh", "-c", "echo ${SSH_CONNECTION%% *}"], seconds=20).stdout == "127.0.0.1\n"
        assert is_pinned(jumped)
        other = tmp_path / "strange"
        other.write_text("")
        config.write_text(config.read_text().replace(f"{machine.folder}/known_hosts", str(other)))
        assert "nobody has checked the host key" in refused(Line(alias, tmp_path / "t")).message


@pytest.mark.slow
@pytest.mark.ground
def test_who_has_no_key_is_told_how_to_bring_one(tmp_path: Path) -> None:
    stands("engine", "host-container")
    with host("container") as machine:
        target = replace(there(machine, tmp_path), key=str(tmp_path / "none"))
        letter = refused(Line(target, tmp_path / "s"))
        assert "does not let root in" in letter.message
        assert letter.hint.startswith(f"ssh-copy-id -p {machine.port} root@127.0.0.1")
