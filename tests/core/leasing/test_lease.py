"""A machine as the market writes it: every state that is known, and no field that could make a fool of us."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmctl.core.leasing.burn import burned, dearer, since
from swarmctl.core.leasing.label import Label, nonce_at
from swarmctl.core.leasing.lease import Address, Hourly, Lease, read_lease
from swarmctl.core.leasing.ownership import Me, Whose, sort, to_reap, whose
from swarmctl.core.leasing.progress import Patience, Watch, hopeless
from swarmctl.core.leasing.state import LeaseState, state_of

LABEL = Label("seven", "0" * 16, "1" * 16, 1_800_000_000)
RAW: dict[str, Any] = {
    "id": 9000001,
    "label": str(LABEL),
    "machine_id": 4711,
    "actual_status": "running",
    "intended_status": "running",
    "cur_state": "running",
    "next_state": "running",
    "status_msg": "success, running kvm",
    "start_date": 1_799_990_000.5,
    "end_date": 1_899_990_000.0,
    "extra_env": [["SWARMCTL_LABEL", str(LABEL)]],
    "gpu_name": "RTX 4090",
    "num_gpus": 1,
    "gpu_ram": 24564,
    "dph_base": 0.30,
    "storage_total_cost": 0.0125,
    "dph_total": 0.3125,
    "public_ipaddr": "192.0.2.7",
    "ports": {"22/tcp": [{"HostIp": "0.0.0.0", "HostPort": "41022"}]},
    "ssh_host": "ssh5.market.invalid",
    "ssh_port": 12345,
    "is_bid": False,
}


def read(**changes: Any) -> Lease:
    found = read_lease({**RAW, **changes})
    assert found is not None
    return found


def test_a_machine_is_read_whole() -> None:
    lease = read()
    assert (lease.id, lease.label, lease.machine, lease.gpu, lease.count, lease.vram) == (
        "9000001",
        LABEL,
        "4711",
        "RTX 4090",
        1,
        24564,
    )
    assert lease.state is LeaseState.RUNNING
    assert lease.hourly.known == Decimal("0.3125")
    assert lease.addresses == (
        Address("192.0.2.7", 41022, "direct"),
        Address("ssh5.market.invalid", 12345, "proxy"),
    )
    assert lease.ours
    assert not lease.unlabelled


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"actual_status": None}, LeaseState.SCHEDULING),
        ({"actual_status": None, "intended_status": "stopped"}, LeaseState.STOPPED),
        ({"actual_status": "created"}, LeaseState.CREATED),
        ({"actual_status": "created", "status_msg": "x: OCI runtime create failed: y"}, LeaseState.FAILED),
        ({"actual_status": "running", "status_msg": "x: OCI runtime create failed: y"}, LeaseState.RUNNING),
        ({"actual_status": "created", "status_msg": None}, LeaseState.CREATED),
        ({"actual_status": "loading"}, LeaseState.LOADING),
        ({"actual_status": "running"}, LeaseState.RUNNING),
        ({"actual_status": "running", "intended_status": "stopped"}, LeaseState.STOPPING),
        ({"actual_status": "rebooting"}, LeaseState.REBOOTING),
        ({"actual_status": "stopped"}, LeaseState.STOPPED),
        ({"actual_status": "frozen"}, LeaseState.FROZEN),
        ({"actual_status": "exited"}, LeaseState.EXITED),
        ({"actual_status": "offline"}, LeaseState.OFFLINE),
        ({"actual_status": "unknown"}, LeaseState.SILENT),
        ({"actual_status": "something new"}, LeaseState.UNKNOWN),
        ({"actual_status": 7}, LeaseState.UNKNOWN),
        ({"actual_status": ["running"]}, LeaseState.UNKNOWN),
    ],
)
def test_every_state_is_told(fields: dict[str, Any], state: LeaseState) -> None:
    assert read(**fields).state is state


def test_a_machine_of_which_no_state_is_said_is_unknown() -> None:
    assert state_of({key: value for key, value in RAW.items() if key != "actual_status"}) is LeaseState.UNKNOWN


def test_an_outbid_machine_is_the_triple_of_a_bid() -> None:
    triple = {"cur_state": "stopped", "intended_status": "stopped", "next_state": "stopped"}
    assert read(is_bid=True, **triple).state is LeaseState.OUTBID
    assert read(is_bid=False, **triple).state is not LeaseState.OUTBID
    for key in triple:
        assert read(is_bid=True, **{**triple, key: "running"}).state is not LeaseState.OUTBID


def test_what_states_mean() -> None:
    assert [s.value for s in LeaseState] == [s.name.lower() for s in LeaseState]
    assert {s for s in LeaseState if s.coming} == {
        LeaseState.SCHEDULING, LeaseState.CREATED, LeaseState.LOADING, LeaseState.REBOOTING,
    }  # fmt: skip
    assert {s for s in LeaseState if s.over} == {
        LeaseState.STOPPED, LeaseState.FROZEN, LeaseState.OUTBID, LeaseState.FAILED, LeaseState.EXITED,
    }  # fmt: skip
    assert {s for s in LeaseState if s.lost} == {LeaseState.OFFLINE, LeaseState.SILENT, LeaseState.UNKNOWN}
    assert {s for s in LeaseState if not s.computes} == {LeaseState.STOPPED, LeaseState.OUTBID, LeaseState.FROZEN}


@pytest.mark.parametrize("id_", [None, 0, -1, True, 1.5, "", "../9", "9/..", "9 9", "9" * 40, 2**64, [], {}])
def test_without_an_id_there_is_no_machine(id_: Any) -> None:
    assert read_lease({**RAW, "id": id_}) is None
    assert read_lease(id_) is None


@pytest.mark.parametrize(
    "value", [None, "", "x", -1, 10**18, float("nan"), float("inf"), True, [], {}, [[1]], "9" * 99]
)
@pytest.mark.parametrize("key", [key for key in RAW if key != "id"])
def test_no_field_breaks_the_reading(key: str, value: Any) -> None:
    lease = read(**{key: value})
    assert isinstance(lease.state, LeaseState)
    for amount in (lease.hourly.base, lease.hourly.storage, lease.hourly.total):
        assert amount is None or (amount.is_finite() and amount >= 0)
    assert lease.since is None or lease.since >= 0


@given(
    st.dictionaries(
        st.sampled_from(sorted(RAW)),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(max_size=8),
            lambda c: st.lists(c, max_size=2),
            max_leaves=4,
        ),
    )
)
def test_nothing_breaks_the_reading(fields: dict[str, Any]) -> None:
    lease = read_lease({**RAW, **fields})
    assert lease is None or lease.id


@pytest.mark.parametrize("host", ["-oProxyCommand=x", "a b", "user@host", "a/b", "", "a" * 300, "h;rm", "h\n"])
def test_an_address_cannot_become_a_flag(host: str) -> None:
    lease = read(public_ipaddr=host, ssh_host=host)
    assert all(" " not in a.host and not a.host.startswith("-") for a in lease.addresses)
    if host != "h\n":
        assert lease.addresses == ()


def test_a_price_is_never_less_than_its_parts() -> None:
    assert read(dph_total=0.1).hourly.known == Decimal("0.3125")
    assert read(dph_total=0.9).hourly.known == Decimal("0.9")
    assert read(dph_total=None, dph_base=None).hourly.known is None
    assert read(dph_total=None).hourly.known == Decimal("0.3125")
    assert read(instance={"totalHour": 0.5}).hourly.known == Decimal("0.5")
    assert read(instance={"totalHour": "x"}).hourly.known == Decimal("0.3125")


def test_a_lost_label_is_read_from_the_machines_own_variable_and_never_against_a_label_that_is_there() -> None:
    lost = read(label=None)
    assert lost.label == LABEL
    assert lost.unlabelled
    assert read(label="").label == LABEL
    assert read(label="mine now").label is None, "somebody has taken it over"
    assert read(label=None, extra_env=[["SWARMCTL_LABEL", "nonsense"], ["A"], "x", 5]).label is None
    assert read(label=None, extra_env={"SWARMCTL_LABEL": str(LABEL)}).label is None


def test_whose_a_machine_is() -> None:
    me = Me("0" * 16, {"seven"}, 1_799_999_999)
    assert whose(read(), me) is Whose.HELD
    assert whose(read(), Me("0" * 16, set(), me.now)) is Whose.ORPHAN
    assert whose(read(), Me("f" * 16, {"seven"}, me.now)) is Whose.COLLEAGUE
    assert whose(read(), Me(None, {"seven"}, me.now)) is Whose.COLLEAGUE
    assert whose(read(), Me("f" * 16, set(), 1_800_000_000)) is Whose.EXPIRED
    assert whose(read(), Me("0" * 16, {"seven"}, 1_800_000_000)) is Whose.EXPIRED
    assert whose(read(label="swarmctl/seven/what"), me) is Whose.STRANGE
    assert whose(read(label="training"), me) is Whose.FOREIGN


def test_what_is_reaped() -> None:
    labels = {
        "1": str(LABEL), "2": str(Label("other", "0" * 16, "2" * 16, 1_800_000_000)),
        "3": str(Label("seven", "f" * 16, "3" * 16, 1_800_000_000)), "4": str(Label("x", "f" * 16, "4" * 16, 5)),
        "5": "swarmctl/odd", "6": "training",
    }  # fmt: skip
    found = sort((read(id=int(id_), label=label) for id_, label in labels.items()), Me("0" * 16, {"seven"}, 100.0))
    assert [(one.lease.id, one.whose) for one in found] == [
        ("4", Whose.EXPIRED),
        ("2", Whose.ORPHAN),
        ("1", Whose.HELD),
        ("3", Whose.COLLEAGUE),
        ("5", Whose.STRANGE),
    ]
    assert [one.lease.id for one in to_reap(found)] == ["4", "2"]
    assert [one.lease.id for one in to_reap(found, expired_only=True)] == ["4"]
    assert [one.lease.id for one in to_reap(found, any_owner=True)] == ["4", "2", "3"]
    assert [one.lease.id for one in to_reap(found, expired_only=True, any_owner=True)] == ["4"]


def test_what_it_has_cost() -> None:
    hourly = Hourly(Decimal("0.36"), Decimal("0.036"), None, Decimal("0.02"), Decimal("0.01"))
    assert burned(hourly, 3600) == Decimal("0.396")
    assert burned(hourly, 3600, 0) == Decimal("0.036"), "the disk costs in every state"
    assert burned(hourly, 3600, 1800) == Decimal("0.216")
    assert burned(hourly, 3600, 7200) == Decimal("0.396"), "it cannot compute for longer than it is held"
    assert burned(hourly, -5) == 0
    assert burned(hourly, 3600, -5) == Decimal("0.036")
    assert burned(hourly, 0, 0, down=2, up=3) == Decimal("0.07")
    assert burned(Hourly(), 3600) is None


def test_dearer_than_agreed() -> None:
    hourly = Hourly(total=Decimal("1.02"))
    assert not dearer(hourly, Decimal(1))
    assert dearer(Hourly(total=Decimal("1.0201")), Decimal(1))
    assert not dearer(Hourly(), Decimal(1))


def test_since_when_it_costs() -> None:
    now = 1_799_999_000.0
    mine = Label("seven", "0" * 16, nonce_at(1_799_990_100, "ab"), 1_800_000_000)
    lease = read(label=str(mine))
    assert since(lease, now, 1_799_990_090.0) == 1_799_990_090.0
    assert since(lease, now) == 1_799_990_100
    assert since(read(), now) == 1_799_990_000.5, "its nonce says no time"
    assert since(read(start_date=now + 7200), now) is None
    assert since(read(label=str(mine), start_date=now + 7200), now) == 1_799_990_100
    assert since(lease, now, now + 5) == 1_799_990_100
    assert since(lease, now, now) == now
    assert since(read(label="others"), now) == 1_799_990_000.5


def test_waiting_goes_on_while_there_is_progress_and_not_for_ever() -> None:
    loading = read(actual_status="loading", status_msg="pulled 1 of 9")
    watch = Watch.start(loading, 0)
    assert watch.look(loading, 500) is watch
    assert hopeless(watch, 599) == ""
    assert hopeless(watch, 600) == "loading for 10m without a change: pulled 1 of 9"
    on = watch.look(read(actual_status="loading", status_msg="pulled 2 of 9"), 500)
    assert hopeless(on, 1099) == ""
    assert hopeless(on, 1100)
    slow = Watch(1000, LeaseState.LOADING, "x", 4599)
    assert hopeless(slow, 4599.5) == ""
    assert hopeless(slow, 4600) == "not running 1h after it was rented: x"
    assert hopeless(Watch(0, LeaseState.LOADING, "", 0), 600) == "loading for 10m without a change"


@pytest.mark.parametrize(
    ("state", "at", "words"),
    [
        (LeaseState.SCHEDULING, 180, "scheduling"),
        (LeaseState.OFFLINE, 180, "offline"),
        (LeaseState.SILENT, 180, "silent"),
        (LeaseState.UNKNOWN, 180, "unknown"),
        (LeaseState.CREATED, 600, "created"),
        (LeaseState.REBOOTING, 600, "rebooting"),
        (LeaseState.OUTBID, 0, "higher bid"),
        (LeaseState.FAILED, 0, "cannot start"),
        (LeaseState.EXITED, 0, "ended at once"),
        (LeaseState.STOPPED, 0, "stopped"),
        (LeaseState.FROZEN, 0, "frozen"),
    ],
)
def test_each_state_has_its_bound(state: LeaseState, at: float, words: str) -> None:
    watch = Watch(0, state, "", 0)
    assert words in hopeless(watch, at)
    assert at == 0 or hopeless(watch, at - 0.5) == ""


def test_a_running_machine_is_waited_for_by_nobody() -> None:
    assert hopeless(Watch(0, LeaseState.RUNNING, "x", 0), 10**6) == ""
    assert hopeless(Watch(0, LeaseState.LOADING, "", 0), 50, Patience(still=50))
