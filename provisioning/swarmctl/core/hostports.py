"""The listening TCP sockets of a Linux machine, as /proc/net/tcp and tcp6 list them."""

import ipaddress

_LISTENS = "0A"


def listening(text: str) -> tuple[tuple[str, int], ...]:
    """Address and port of each, both families; lines that are none are left out."""
    found = dict[tuple[str, int], None]()
    for line in text.splitlines():
        words = line.split()
        if len(words) > 3 and words[3] == _LISTENS:
            one = _end(words[1])
            if one is not None:
                found[one] = None
    return tuple(found)


def _end(word: str) -> tuple[str, int] | None:
    """The kernel writes an address as words of 32 bits in its own byte order, which is little endian where we run."""
    address, _, port = word.partition(":")
    try:
        raw, number = bytes.fromhex(address), int(port, 16)
    except ValueError:
        return None
    if len(raw) not in {4, 16} or not 0 < number < 65536:
        return None
    turned = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    return str(ipaddress.ip_address(turned)), number
