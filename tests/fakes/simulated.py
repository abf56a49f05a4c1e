"""The practice market: in this process, its clock ours and no socket between, or served over HTTP by another."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from typing import Any

import requests

from swarmctl.effects.providers.here import vast_over
from swarmctl.effects.providers.secret import Secret
from swarmctl.effects.providers.transport import READ, Answer, HttpTransport, LostError
from swarmctl.effects.providers.vast import Vast
from swarmctl.market.clock import DrivenClock
from swarmctl.market.market import Market
from swarmctl.market.wire import Request
from swarmctl.market.world import Settings

START = 1_800_000_000.0


@dataclass
class MarketTime:
    """Our clock is the market's: waiting moves both."""

    driven: DrivenClock

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.driven.now(), UTC)

    def monotonic(self) -> float:
        return self.driven.now()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self.driven.advance(seconds)


@dataclass
class InProcess:
    """A transport that hands calls to the market itself."""

    market: Market
    driven: DrivenClock
    key: Secret

    def send(self, method: str, path: str, query: Mapping[str, str], body: Mapping[str, Any] | None) -> Answer:
        raw = b"" if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.key.reveal()}"}
        got = self.market.handle(Request(method, path, dict(query), headers, raw))
        self.driven.advance(0.05)
        if got.drop_connection:
            raise LostError("connection reset by peer")
        if got.delay > READ:
            self.driven.advance(READ)
            raise LostError("read timed out")
        self.driven.advance(got.delay)
        date = {"date": formatdate(self.driven.now(), usegmt=True)}  # as its server says over HTTP
        return Answer(got.status, got.body, date | {k.lower(): v for k, v in got.headers.items()})


@dataclass
class Simulation:
    """A market and one account's provider."""

    market: Market
    time: MarketTime
    transport: InProcess
    vast: Vast

    def happens(self, lease: str, what: str) -> None:
        """Something befalls a rental now, as at the market's control surface."""
        headers = {"Authorization": f"Bearer {self.market.control_key}"}
        body = json.dumps({"contract": int(lease), "what": what}).encode()
        told = self.market.handle(Request("POST", "/_market/happen", {}, headers, body))
        assert told.status == 200, told

    def billing(self) -> list[int]:
        """Contracts that cost money now, by the market's own books."""
        return list(self.market.books()["billing"])

    def ssh(self) -> None:
        """The account gets a key, as VM rentals need."""
        self.vast.add_key("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJvDWHPGZ2gYwP3nXKLGnjAdAcTjgDnMWsRFDWhXGKTc me@here")


def simulation(faults: str = "", seed: int = 1, folder: Path | None = None, **settings: Any) -> Simulation:
    driven = DrivenClock(START)
    market = Market(driven, Settings(seed=seed, **settings), faults=faults)
    transport = InProcess(market, driven, Secret(market.key))
    time = MarketTime(driven)
    return Simulation(market, time, transport, vast_over(transport, folder, time))


@dataclass
class RemoteTime:
    """The clock of a market in another process: waiting moves it on, and takes no time here."""

    url: str
    control: str
    market: float = 0.0

    def __post_init__(self) -> None:
        self.market = self.ask("GET", "now")["now"]

    def ask(self, method: str, name: str, body: Mapping[str, Any] | None = None) -> Any:
        """A call to the market's control surface."""
        headers = {"Authorization": f"Bearer {self.control}"}
        got = requests.request(method, f"{self.url}/_market/{name}", json=body, headers=headers, timeout=10)
        got.raise_for_status()
        return got.json()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.market, UTC)

    def monotonic(self) -> float:
        return self.market

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self.market = self.ask("POST", "advance", {"seconds": seconds})["now"]


@dataclass
class Served:
    """A market in another process, over HTTP."""

    url: str
    key: str
    time: RemoteTime

    def vast(self, folder: Path | None = None) -> Vast:
        return vast_over(HttpTransport(self.url, Secret(self.key)), folder, self.time)

    def billing(self) -> list[int]:
        return list(self.time.ask("GET", "books")["billing"])

    def faults(self, spec: str) -> None:
        self.time.ask("POST", "faults", {"spec": spec})


@contextmanager
def served(*flags: str) -> Iterator[Served]:
    """`swarmctl-market` as people start it; without flags its clock stands still until it is moved."""
    command = [sys.executable, "-m", "swarmctl.market", "--port", "0", "--machines", "400"]
    command += flags or ("--clock", "driven")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        yield Served(told["url"], told["key"], RemoteTime(told["url"], told["control_key"]))
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()
