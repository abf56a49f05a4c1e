"""The tests of a run whose agents may not run them, done on this machine while the run is followed."""

import asyncio
import contextlib
import os
import re
import secrets
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from swarmctl.agent.checking import check_clone
from swarmctl.agent.clock import pause
from swarmctl.agent.repo import GitFailed
from swarmctl.agent.sandbox import Sandbox, strongest, why_not
from swarmctl.core.messages import CheckOrder, RunEvent, TestResult
from swarmctl.core.record import SwarmRecord
from swarmctl.core.spec import IMAGE, ORCHESTRATOR
from swarmctl.core.team.sandbox import PROTECTS, REFUSED
from swarmctl.effects import files
from swarmctl.effects.clock import Clock
from swarmctl.effects.paths import private
from swarmctl.effects.testorders import BEAT, Orders, RunOver
from swarmctl.effects.world import World
from swarmctl.errors import HostError, SpecError

WAIT = 2.0
"""Seconds of one question for a test, and so the most that leaving a run takes."""
QUIET = 60.0
"""Seconds for which a result is offered to an orchestrator that does not answer."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What tests are run with here.

    sandbox: None where there is none. folder: where clones are made and thrown away. git: configuration with
    the swarm's token. source: the repository's URL. unsandboxed: the commands that may run without a sandbox;
    an agent's word is not enough for that.
    """

    sandbox: Sandbox | None
    folder: Path
    git: Path
    source: str
    unsandboxed: tuple[str, ...] = ()


def runner(
    run: str,
    record: SwarmRecord,
    world: World,
    *,
    image: str | None,
    unsandboxed: tuple[str, ...],
    say: Callable[[RunEvent], None],
) -> "Runner":
    """Who does the tests of a run on this machine; where they are done is said first.

    image: of the container that they must run in. unsandboxed: commands that the user allows to run without
    a sandbox, where there is none. Raises SpecError, HostError when the image cannot be used.
    """
    places = world.places(record.swarm)
    sandbox = find_sandbox(image, hidden=world.state) or (Sandbox("none") if unsandboxed else None)
    url = record.url(f"agent-{ORCHESTRATOR}")
    bench = Bench(sandbox, places.tests, places.git_config, f"{url}/git/work.git", unsandboxed)
    say(RunEvent(event="note", text=words(sandbox)))
    orders = Orders(url, files.secret(places.agent_token), secrets.token_hex(16))
    return Runner(orders, bench, run, clock=world.clock, say=say)


def find_sandbox(image: str | None, *, hidden: Path) -> Sandbox | None:
    """The sandbox of this machine: a container of the image that was named, else the strongest; None where none is.

    hidden: a folder of secrets. Raises SpecError, HostError when the image cannot be used.
    """
    secret = (str(hidden),)
    if image is None:
        return asyncio.run(strongest(secret))
    if not re.fullmatch(IMAGE, image) or image.endswith("\n"):
        raise SpecError(f"{image!r} is no name of a container image", hint="--image debian:bookworm-slim")
    if reason := asyncio.run(why_not("docker", secret, image)):
        raise HostError(f"tests cannot run in the image {image}", detail=reason, hint=f"docker pull {image}")
    return Sandbox("docker", secret, image)


def words(sandbox: Sandbox | None) -> str:
    """Where the tests of a run are done, and what holds while nobody follows it."""
    if sandbox is None:
        return f"tests of this run are done on this machine, but: {REFUSED}, or name an image with --image"
    where = f"{sandbox.rung} ({sandbox.used_image})" if sandbox.used_image else sandbox.rung
    named = {"none": "without a sandbox"}.get(sandbox.rung, f"in {where}")
    return (
        f"tests of this run are done on this machine, {named}: {PROTECTS[sandbox.rung]}\n"
        "while nobody follows the run they wait"
    )


class Runner:
    """Takes the tests of one run and does them, one at a time, in a thread, until it is left or the run is over."""

    def __init__(
        self, orders: Orders, bench: Bench, run: str, *, clock: Clock, say: Callable[[RunEvent], None]
    ) -> None:
        """`say` is called from the thread."""
        self._orders, self._bench, self._run = orders, bench, run
        self._clock, self._say = clock, say
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, name="tests")
        self._work: asyncio.Task[None] | None = None
        self._stopped = False

    def __enter__(self) -> "Runner":
        """Begin."""
        self._work = self._loop.create_task(self._serve())
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, bad: BaseException | None, at: TracebackType | None) -> None:
        """End the test that runs, with its container, and wait for that."""
        self.stop()
        self._thread.join()
        self._orders.close()

    def stop(self) -> None:
        """Let go of the test that runs, without waiting for its end."""
        assert self._work is not None  # noqa: S101 - it was entered
        self._stopped = True
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._work.cancel)

    def _main(self) -> None:
        assert self._work is not None  # noqa: S101
        try:
            with contextlib.suppress(asyncio.CancelledError):
                self._loop.run_until_complete(self._work)
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        _sweep(self._bench.folder)
        while not self._stopped:
            asked = self._clock.monotonic()
            try:
                order = await asyncio.to_thread(self._orders.take, self._run, WAIT)
            except RunOver:
                return
            except HostError:
                await pause(WAIT / 2)
                continue
            if order is not None:
                await self._do(order, asked)

    async def _do(self, order: CheckOrder, asked: float) -> None:
        """Do one test; it is given up where it may be another's by now, and that is said."""
        self._note(f"testing {order.commit[:12]}: {order.command}")
        work = asyncio.create_task(self._tested(order))
        try:
            lost = await self._kept(order, work, asked)
        finally:
            work.cancel()
            # Being told to stop again must not leave a container behind.
            while not work.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.wait([work])
        if lost:
            self._note(f"the test of {order.commit[:12]} was stopped: {lost}")
            return
        await self._handed_in(order, work.result())

    async def _kept(self, order: CheckOrder, work: "asyncio.Task[TestResult]", since: float) -> str:
        """Renew the lease until the test is over; why it must not go on, if it must not."""
        while not work.done():
            await asyncio.wait([work], timeout=order.lease * BEAT)
            if work.done():
                break
            asked = self._clock.monotonic()
            try:
                if not await asyncio.to_thread(self._orders.renew, order):
                    return "the run no longer wants it, or somebody else has it"
                since = asked
            except HostError as gone:
                # What is left of the lease is for ending the test: nobody else may have it before that.
                if self._clock.monotonic() - since >= order.lease * 2 * BEAT:
                    return gone.message
        return ""

    async def _handed_in(self, order: CheckOrder, result: TestResult) -> None:
        until = self._clock.monotonic() + max(QUIET, order.lease)
        while True:
            try:
                if not await asyncio.to_thread(self._orders.done, order, result):
                    self._note(f"the test of {order.commit[:12]} {result.verdict}; nobody waits for it any more")
                return
            except HostError as gone:
                if self._clock.monotonic() >= until:
                    self._note(f"the result of a test could not be handed in: {gone.message}")
                    return
                await pause(WAIT / 2)

    async def _tested(self, order: CheckOrder) -> TestResult:
        bench = self._bench
        if bench.sandbox is None:
            return TestResult(verdict="not run", tail=REFUSED)
        if bench.sandbox.rung == "none" and order.command not in bench.unsandboxed:
            told = "without a sandbox only a command named here, with --test or in the swarm file, is run"
            return TestResult(verdict="not run", tail=told)
        folder = bench.folder / f"{os.getpid()}-{secrets.token_hex(4)}"
        private(folder)
        try:
            return await check_clone(order.command, bench.sandbox, folder, bench.source, order.commit, bench.git)
        except (GitFailed, OSError) as bad:
            return TestResult(verdict="not run", tail=str(bad))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _note(self, text: str) -> None:
        self._say(RunEvent(event="note", text=text))


def _sweep(folder: Path) -> None:
    """Remove the clones that a killed command line left."""
    for left in folder.glob("*-*") if folder.is_dir() else ():
        pid = left.name.partition("-")[0]
        if pid.isdigit() and not _alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True
