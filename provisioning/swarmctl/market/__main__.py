"""`swarmctl-market`: one market in one process, from its line of JSON to SIGTERM."""

import argparse
import json
import os
import secrets
import signal
import sys
import threading
from pathlib import Path

from swarmctl.market import life
from swarmctl.market.clock import Clock, DrivenClock, RealClock
from swarmctl.market.hosts.engine import Engine, EngineError, free_port, gateway
from swarmctl.market.hosts.guest import Guest, guests
from swarmctl.market.hosts.keeper import Keeper
from swarmctl.market.hosts.recipe import Images
from swarmctl.market.market import Market
from swarmctl.market.options import parser
from swarmctl.market.server import Server
from swarmctl.market.store import Store
from swarmctl.market.world import Settings


def main() -> None:
    """Serves until SIGTERM or SIGINT. Ends with 0, or with 1 where it could not begin or left a container behind."""
    options = parser().parse_args()
    over = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: over.set())
    try:
        market = _market(options)
        docker = options.hosts == "docker"
        bridge = gateway() if docker else ""
        server = _server(market, options.port, ("127.0.0.1", *([bridge] if bridge else [])))
        told = {"url": f"http://127.0.0.1:{server.port}", "key": market.key, "control_key": market.control_key}
        if bridge:
            told["rental_url"] = f"http://{bridge}:{server.port}"
        keeper = _keeper(market, server, options, told.get("rental_url", told["url"])) if docker else None
    except (ValueError, OSError, EngineError) as e:
        sys.stderr.write(f"swarmctl-market: {e}\n")
        raise SystemExit(1) from None
    server.start()
    if keeper:
        keeper.start()
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
    while not over.wait(1.0):  # a signal that comes just as a wait without end begins would not be seen in it
        pass
    server.stop()
    left = _end(market, server, keeper) if keeper else []
    market.close()
    if left:
        sys.stderr.write(f"swarmctl-market: could not remove the containers of {left}: docker ps -a\n")
        raise SystemExit(1)


def _market(options: argparse.Namespace) -> Market:
    if options.state != ":memory:":
        os.close(os.open(options.state, os.O_CREAT | os.O_RDWR, 0o600))
    assume = dict(one.partition("=")[::2] for one in options.assume)
    limits = options.limits == "real"
    settings = Settings(options.seed, options.machines, options.credit, options.pace, limits, assume)
    return Market(_clock(options.state, driven=options.clock == "driven"), settings, options.state, options.faults)


def _clock(state: str, *, driven: bool) -> Clock:
    """As far ahead as it was when the state was written."""
    store = Store(state)
    kept = dict(store.all("clock")).get(0, {})
    store.close()
    if driven:
        return DrivenClock(kept["now"]) if kept else DrivenClock()
    return RealClock(kept.get("ahead", 0.0))


def _keeper(market: Market, server: Server, options: argparse.Namespace, url: str) -> Keeper:
    world = market.world
    overlay: Path | None = options.overlay
    if overlay is not None and not overlay.is_dir():
        raise ValueError(f"{overlay} is no folder to lay over rentals")
    engine = Engine(_owner(market), Images(options.vm_image, options.container_image, overlay, tuple(options.volume)))
    world.free_port, world.address, world.read_output = free_port, "127.0.0.1", engine.output

    def wanted() -> list[Guest]:
        with server.lock, world.turn() as now:
            return guests(world, now, url)

    def failed(id_: int, why: str) -> None:
        with server.lock, world.turn() as now:
            contract = world.contracts[id_]
            contract.become(life.span(contract, now, "created", message=f"Error response from daemon: {why}"))
            world.keep(contract)

    def moved(id_: int, down: int, up: int) -> None:
        with server.lock, world.turn() as now:
            if not world.contracts[id_].settled:
                world.moved(world.contracts[id_], now, down, up)

    return Keeper(engine, wanted, failed, moved)


def _server(market: Market, port: int, addresses: tuple[str, ...]) -> Server:
    """At the port of last time where none is asked for: rentals know the market by it."""
    last = dict(market.store.all("port")).get(0, {"port": 0})["port"]
    try:
        server = Server(market, port or last, addresses)
    except OSError:
        if port or not last:
            raise
        server = Server(market, 0, addresses)
    with market.world.turn():
        market.store.put("port", 0, {"port": server.port})
    return server


def _owner(market: Market) -> str:
    """What this state's containers are marked with, whatever process serves it."""
    with market.world.turn():
        kept = dict(market.store.all("owner")).get(0) or {"mark": secrets.token_hex(4)}
        market.store.put("owner", 0, kept)
    return str(kept["mark"])


def _end(market: Market, server: Server, keeper: Keeper) -> list[int]:
    """No container outlives it; whoever comes back to the same state finds those hosts gone."""
    left = keeper.end()
    with server.lock, market.world.turn() as now:
        for id_ in sorted(market.world.awake):
            contract = market.world.contracts[id_]
            if contract.lives(now):
                life.befall(market.world, contract, now, "host-gone")
                market.world.keep(contract)
    return left


if __name__ == "__main__":
    main()
