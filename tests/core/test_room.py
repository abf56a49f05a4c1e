"""Room under limits, by value: just inside and just outside."""

import pytest

from swarmctl.core.insideview import Disk, Inside
from swarmctl.core.machine import Machine
from swarmctl.core.room import container_room, disk_room, full_disk, host_room


@pytest.mark.parametrize(
    ("planned", "used", "limit", "kills", "verdict"),
    [
        (512.0, 100.0, 640.0, 0, "pass"),
        (512.0, 608.0, 640.0, 0, "pass"),
        (512.0, 609.0, 640.0, 0, "fail"),
        (512.0, 100.0, 510.0, 0, "fail"),
        (512.0, 100.0, None, 0, "pass"),
        (None, 100.0, 110.0, 0, "pass"),
        (512.0, 100.0, 640.0, 1, "pass"),
        (512.0, 100.0, 640.0, 2, "fail"),
        (512.0, None, 640.0, 0, "unknown"),
    ],
)
def test_memory_of_a_container(
    planned: float | None, used: float | None, limit: float | None, kills: int, verdict: str
) -> None:
    seen = Inside(used=used, limit=limit, kills=kills)
    proof = container_room("engine", "demo", planned, seen)
    assert proof.verdict == verdict
    assert ("killed for memory" in proof.measured) == (kills > 0)
    assert container_room("engine", "demo", planned, None).verdict == "unknown"


def test_memory_of_the_host() -> None:
    assert host_room("demo", Inside(total=1000.0, available=50.0)).verdict == "pass"
    assert host_room("demo", Inside(total=1000.0, available=49.0)).verdict == "fail"
    assert host_room("demo", Inside(total=0.0, available=0.0)).verdict == "unknown"
    assert host_room("demo", None).verdict == "unknown"


@pytest.mark.parametrize(
    ("size", "free", "verdict"),
    [(10_000.0, 500.0, "pass"), (10_000.0, 499.0, "fail"), (1000.0, 256.0, "pass"), (1000.0, 255.0, "fail")],
)
def test_disk(size: float, free: float, verdict: str) -> None:
    well = Disk("/data", 1e6, 5e5)
    assert disk_room("demo", (well, Disk("/models", size, free))).verdict == verdict
    assert disk_room("demo", ()).verdict == "unknown"


@pytest.mark.parametrize(("free", "full"), [(0, True), (255, True), (256, False), (10**9, False), (-1, False)])
def test_a_machine_without_room_is_named(free: int, full: bool) -> None:
    found = full_disk(Machine("gpu1", "Linux x86_64", 2, 4000, 3000, free))
    assert bool(found) is full
    if full:
        assert found == (f"gpu1: its disk is full, {free} MiB are free: make room there, then `swarmctl up`",)
