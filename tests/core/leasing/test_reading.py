"""Every field of a machine as the market writes it, what stands for a field that is not there, and every bound."""

import json
from decimal import Decimal
from typing import Any

import pytest

from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.lease import Address, Hourly, Lease, read_lease
from swarmctl.core.leasing.state import LeaseState

LABEL = Label("seven", "0" * 16, "1" * 16, 1_800_000_000)
WHOLE: dict[str, Any] = {
    "id": 9, "label": str(LABEL), "actual_status": "running", "machine_id": 4711, "host_id": 12,
    "gpu_name": "RTX 4090", "num_gpus": 2, "gpu_ram": 24564, "disk_space": 60.5, "start_date": 1000.5,
    "end_date": 2000.5, "dph_base": 0.3, "storage_total_cost": 0.0125, "dph_total": 0.4, "inet_down_cost": 0.02,
    "inet_up_cost": 0.03, "is_bid": True, "status_msg": "success", "driver_version": "550.54",
    "ssh_host": "ssh5.invalid", "ssh_port": 22,
}  # fmt: skip


def read(**raw: Any) -> Lease:
    found = read_lease({"id": 9, **raw})
    assert found is not None
    return found


def test_every_field_is_read() -> None:
    assert read(**WHOLE) == Lease(
        "9", LABEL, str(LABEL), LeaseState.RUNNING, "4711", "12", "RTX 4090", 2, 24564, Decimal("60.5"), 1000.5, 2000.5,
        Hourly(Decimal("0.3"), Decimal("0.0125"), Decimal("0.4"), Decimal("0.02"), Decimal("0.03")), True, "success",
        (Address("ssh5.invalid", 22, "proxy"),), "550.54",
    )  # fmt: skip


def test_what_is_not_there_is_nothing() -> None:
    bare = read()
    assert bare == Lease("9", None, "", LeaseState.UNKNOWN)
    assert (bare.machine, bare.host, bare.gpu, bare.count, bare.vram, bare.disk) == ("", "", "", 0, None, None)
    assert (bare.since, bare.ends, bare.is_bid, bare.said, bare.addresses, bare.driver) == (
        None,
        None,
        False,
        "",
        (),
        "",
    )
    assert (bare.hourly, bare.hourly.known) == (Hourly(), None)
    assert Address("h", 1) == Address("h", 1, "direct")


def test_what_is_said_in_json() -> None:
    known = {
        "id": "9", "label": str(LABEL), "swarm": "seven", "owner": "0" * 16, "expires": 1_800_000_000,
        "state": "running", "said": "success", "gpu": "RTX 4090", "count": 2, "machine": "4711", "since": 1000.5,
        "dollars_per_hour": "0.4",
    }  # fmt: skip
    assert json.loads(json.dumps(read(**WHOLE).as_json())) == known
    other = read(label="training").as_json()
    assert [other[name] for name in ("label", "swarm", "owner", "expires", "dollars_per_hour")] == [
        "training", None, None, None, None,
    ]  # fmt: skip


BOUNDS: list[tuple[str, str, int, Any]] = [
    ("start_date", "since", 10**11, None), ("end_date", "ends", 10**11, None), ("num_gpus", "count", 64, 0),
    ("gpu_ram", "vram", 4_194_304, None), ("disk_space", "disk", 10_000_000, None),
]  # fmt: skip


@pytest.mark.parametrize(("key", "name", "most", "none"), BOUNDS)
def test_a_figure_that_no_machine_has_is_none(key: str, name: str, most: int, none: Any) -> None:
    assert getattr(read(**{key: most}), name) == most
    assert getattr(read(**{key: most + 1}), name) == none
    assert getattr(read(**{key: "x"}), name) == none


PRICES = [("dph_base", "gpuCostPerHour", "base"), ("storage_total_cost", "diskHour", "storage"),
          ("dph_total", "totalHour", "total")]  # fmt: skip


@pytest.mark.parametrize(("flat", "deep", "name"), PRICES)
def test_the_dearer_of_two_prices_is_believed(flat: str, deep: str, name: str) -> None:
    for one, two, dearer in ((1, 2, 2), (2, 1, 2), (None, 1, 1), (1, None, 1), (10_000, 10_001, 10_000),
                             (10_001, 10_000, 10_000), (10_001, None, None)):  # fmt: skip
        assert getattr(read(**{flat: one, "instance": {deep: two}}).hourly, name) == dearer


@pytest.mark.parametrize(("key", "name"), [("inet_down_cost", "down"), ("inet_up_cost", "up")])
def test_traffic_without_a_price_is_free(key: str, name: str) -> None:
    for said, price in ((1000, 1000), (1001, 0), (None, 0), (0.5, Decimal("0.5"))):
        assert getattr(read(**{key: said}).hourly, name) == price


def test_a_label_is_kept_as_it_is_and_not_without_end() -> None:
    assert read(label="x" * 2000).called == "x" * 1024
    assert read(label=5).called == ""


@pytest.mark.parametrize(
    "env",
    [
        [["A", "b"], ["SWARMCTL_LABEL", str(LABEL)]],
        [5, ["SWARMCTL_LABEL"], ["a", "b", "c"], "ab", ["SWARMCTL_LABEL", str(LABEL)]],
    ],
)
def test_a_lost_label_is_found_among_whatever_else_is_there(env: Any) -> None:
    assert read(extra_env=env).label == LABEL
    assert read(extra_env={"a": 1}).label is None
    assert read(extra_env=5).label is None


def test_addresses_are_direct_ones_first_each_once_and_whole() -> None:
    ports = {"22/tcp": [5, {"HostPort": "41022"}, {"HostPort": "41022"}, {"HostPort": 0}, {"HostPort": 65536}]}
    found = read(public_ipaddr=" 192.0.2.7 ", ports=ports, ssh_host="h", ssh_port=65535).addresses
    assert found == (Address("192.0.2.7", 41022, "direct"), Address("h", 65535, "proxy"))
    assert read(ssh_host="h", ssh_port=1).addresses == (Address("h", 1, "proxy"),)
    for port in (0, 65536, None, "x"):
        assert read(ssh_host="h", ssh_port=port).addresses == ()
    for odd in ({"22/tcp": {"HostPort": 5}}, {"22/tcp": None}, ["22/tcp"], None):
        assert read(public_ipaddr="192.0.2.7", ports=odd).addresses == ()
    for host in (None, 5, "", "-x"):
        assert read(ssh_host=host, ssh_port=22).addresses == ()


@pytest.mark.parametrize(
    ("hourly", "known"),
    [
        (Hourly(), None), (Hourly(storage=Decimal(1)), None), (Hourly(base=Decimal(2)), 2),
        (Hourly(Decimal(2), Decimal(1)), 3), (Hourly(Decimal(2), Decimal(1), Decimal("2.5")), 3),
        (Hourly(Decimal(2), Decimal(1), Decimal(4)), 4), (Hourly(total=Decimal(0)), 0),
    ],
)  # fmt: skip
def test_an_hour_costs_no_less_than_its_parts(hourly: Hourly, known: Any) -> None:
    assert hourly.known == known
    assert (hourly.down, hourly.up) == (0, 0)
