"""The listener hears who comes by TCP or by a datagram, at any address, and is gone after."""

import socket

import pytest

from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.effects.seallistener import addresses, listening


def test_it_hears_both_kinds_and_ends() -> None:
    with listening() as found:
        socket.create_connection(("127.0.0.1", found.port), 2).close()
        wait_until(lambda: "127.0.0.1" in found.heard, clock=SystemClock(), deadline=5, every=0.02)
        found.heard.clear()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"x", ("127.0.0.1", found.port))
        wait_until(lambda: "127.0.0.1" in found.heard, clock=SystemClock(), deadline=5, every=0.02)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", found.port), 2)


def test_addresses_are_those_that_others_can_reach() -> None:
    assert not any(one.startswith(("127.", "fe80:")) or one == "::1" for one in addresses())
