"""The listening sockets of a machine, as Linux lists them."""

import socket
from pathlib import Path

import pytest

from swarmctl.core.hostports import listening

V4 = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2CAA 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 0100007F:9C40 0100007F:2CAA 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 20 4 30 10 -1
"""
V6 = "   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 4\n"


def test_only_what_listens_is_listed_with_its_address() -> None:
    assert listening(V4 + V6) == (("127.0.0.1", 11434), ("0.0.0.0", 22), ("::1", 8080))


@pytest.mark.parametrize(
    "text", ["", "nonsense", "0: xyz:0016 a 0A", "0: 0100007F:ZZ a 0A", "0: 01007F:0016 a 0A", "0: 0100007F:0 a 0A"]
)
def test_nonsense_is_left_out(text: str) -> None:
    assert listening(text) == ()


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="no /proc/net/tcp on this system")
def test_a_real_socket_is_among_them() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert ("127.0.0.1", server.getsockname()[1]) in listening(Path("/proc/net/tcp").read_text())
