"""Judges of where a container gets to: the world, the host, other swarms; silence counts only where a wall is shown."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from swarmctl.core.seal import Finding
from swarmctl.core.sealrights import judged
from swarmctl.core.sealsight import Around, Seen

_CAME = ("reached", "ECONNREFUSED", "ECONNRESET", "EPROTO", "done")
"""What only somebody on the other side can have said; a refusal is an answer too."""
_MASQUERADE = "com.docker.network.bridge.enable_ip_masquerade"


def world(seen: Seen, around: Around) -> Finding:
    """No connection, datagram or echo request gets out."""
    targets = {*around.outside}
    tried = [(t, r) for t, r in seen.sight.all("tcp") if t in targets] + seen.sight.all("icmp")
    return _closed(seen, around, tried)


def metadata(seen: Seen, around: Around) -> Finding:
    """The addresses at which clouds hand out credentials are away."""
    return _closed(seen, around, [(t, r) for t, r in seen.sight.all("tcp") if t in set(around.metadata)])


def http(seen: Seen, around: Around) -> Finding:
    """No page comes, by address, by name or by a proxy."""
    holes = [f"the proxy {name} is set" for name in seen.sight.of("proxy")]
    return _closed(seen, around, seen.sight.all("http"), holes)


def dns(seen: Seen, around: Around) -> Finding:
    """Nobody answers for a name that is not of this network, and no resolver is named that could."""
    asked = seen.sight.all("dns")
    named = [str(server) for server in seen.host.get("Dns") or ()]
    written = [line.split()[-1] for line in seen.sight.of("resolver").values()]

    def holes() -> Iterator[str]:
        yield from (f"{name}: {said}" for name, said in asked if said in {"NOERROR", "NXDOMAIN"})
        if not named:
            yield "no resolver was named: Docker passes questions on to the host's"
        yield from (f"{server} is asked" for server in (*named, *written) if not server.strip("[]").startswith("127."))

    said = ", ".join(f"{name}: {result}" for name, result in asked) or "not tried: no Python in this image"
    needs = ("resolver",) if seen.kind == "engine" else ("resolver", "dns")
    return judged(
        seen, holes(), f"Dns {named}, /etc/resolv.conf {written}; {said}", blind=_deaf(seen, around), needs=needs
    )


def host(seen: Seen, around: Around) -> Finding:
    """What listens on all addresses of the host is not reached: a listener opened for the moment, at each address."""
    heard = around.listener
    tried = [(t, r) for t, r in seen.sight.all("tcp") if t in set(heard.targets)]
    holes = [f"{t} {r}" for t, r in tried if r in _CAME]
    holes += [f"the listener heard {address}" for address in sorted(heard.heard & seen.addresses)]
    if seen.kind == "forwarder" and holes:
        # Its second network is a common bridge; it runs nothing but our own code, and takes no orders.
        return Finding(seen.service, "unknown", f"through the network on which it publishes: {'; '.join(holes)}")
    blind = heard.trouble or ("" if tried else "no address of the host was tried") or _deaf(seen, around)
    silent = sorted({r for _, r in tried})
    ends = {bridge(network) for network in seen.networks}
    walls = [rule for rule in around.rules if rule.startswith("-A INPUT") and any(f"-i {end} " in rule for end in ends)]
    shown = f"{len(tried)} addresses: {', '.join(silent)}; the listener heard nothing"
    return judged(seen, holes, "; ".join((shown, *walls)), blind=blind)


def others(seen: Seen, around: Around) -> Finding:
    """Nobody else stands on its networks, and containers of other networks are away."""
    tried = [(t, r) for t, r in seen.sight.all("tcp") if t in set(around.others)]
    holes = [f"{t} {r}" for t, r in tried if r in _CAME]
    for network in seen.networks:
        wanted = _label(seen.inspect.get("Config"))
        if _label(network) != wanted:
            holes.append(f"it stands on {network.get('Name')}, a network of {_label(network) or 'nobody'}")
        holes += [f"{name} stands on {network.get('Name')} too" for name in network.get("Strangers") or ()]
    if not tried:
        names = ", ".join(str(network.get("Name")) for network in seen.networks)
        return judged(seen, holes, f"only containers of this swarm stand on {names}; there is no other one to try")
    live = sum(t in around.reached for t, _ in tried)
    shown = ", ".join(f"{t} {r}" for t, r in tried[:3])
    return judged(seen, holes, f"{shown} ({live} of {len(tried)} answer this host)", blind=_deaf(seen, around))


def _label(about: Any) -> str:
    labels = about.get("Labels") if about else None
    return str((labels or {}).get("swarmctl.swarm") or "")


def _closed(seen: Seen, around: Around, tried: list[tuple[str, str]], more: Iterable[str] = ()) -> Finding:
    """Nothing came from beyond, and every network that it stands on has a wall that can be shown."""
    holes = [*more, *(f"{target} {said}" for target, said in tried if said.startswith(_CAME))]
    holes += [f"{network.get('Name')} has a way out" for network in seen.networks if not _walled(seen, network)]
    if not seen.networks and seen.host.get("NetworkMode") != "none":
        holes.append(f"its network is not one that Docker describes: {seen.host.get('NetworkMode')}")
    said = ", ".join(f"{target} {result}" for target, result in tried)
    live = [target for target, _ in tried if target in around.reached]
    shown = "; ".join((said, *_walls(seen, around), *([f"this host reaches {', '.join(live)}"] if live else [])))
    return judged(seen, holes, shown, blind=_deaf(seen, around) or ("" if tried else "the probe tried nothing"))


def _walled(seen: Seen, network: Any) -> bool:
    """Without a way out: internal; of the forwarder's second one it is enough that nothing is masqueraded."""
    if network.get("Internal") is True:
        return True
    return seen.kind == "forwarder" and (network.get("Options") or {}).get(_MASQUERADE) == "false"


def _walls(seen: Seen, around: Around) -> Iterator[str]:
    for network in seen.networks:
        yield f"{network.get('Name')}: Internal {network.get('Internal')}"
        if network.get("Internal") is not True:
            yield f"{_MASQUERADE} {(network.get('Options') or {}).get(_MASQUERADE)}"
        name = bridge(network)
        # The rule by which older Engines close an internal network; newer ones write others.
        rule = next((r for r in around.rules if re.search(rf"! -d \S+ -i {re.escape(name)} -j DROP", r)), "")
        if rule:
            yield rule
    if not any(target.startswith("00000000/") for target in seen.sight.of("route")):
        yield "no default route in /proc/net/route"


def _deaf(seen: Seen, around: Around) -> str:
    """Why silence proves nothing: not even a neighbour was reached."""
    tried = seen.sight.of("tcp")
    if any(tried.get(target) == "reached" for target in around.neighbours):
        return ""
    return (
        f"not even a neighbour answers: {', '.join(f'{t} {tried.get(t)}' for t in around.neighbours) or 'none is up'}"
    )


def bridge(network: Any) -> str:
    """The host's interface of a network, as Docker names it."""
    named = (network.get("Options") or {}).get("com.docker.network.bridge.name")
    return str(named or f"br-{str(network.get('Id'))[:12]}")
