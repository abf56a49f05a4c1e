"""`orphans`, `reap` and `down --lease`: by the market's word alone, all of ours, and nobody else's."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from fakes.hired import OWNER, person
from fakes.tinymarket import TinyMarket, on, says
from swarmctl.commands.orphans import orphans
from swarmctl.commands.reap import reap
from swarmctl.commands.release import release_mine, release_one
from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.ownership import Whose
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.providers.problems import UnknownError
from swarmctl.effects.providers.vast import Vast
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World
from swarmctl.errors import LeakError, SpecError

OTHER = "f" * 16


@dataclass
class Account:
    """One account with machines of several people. names: what each is, to its number."""

    market: TinyMarket
    world: World
    vast: Vast
    names: dict[str, int]

    def held(self) -> set[str]:
        return {name for name, id_ in self.names.items() if id_ in self.market.held}


@pytest.fixture
def account(tmp_path: Path) -> Account:
    me = person(folder=tmp_path, offers=9)
    now = int(me.clock.now().timestamp())
    soon, over = now + 3600, now - 1
    labels = {
        "mine": str(Label("seven", OWNER, "1" * 8, soon)),
        "lost": str(Label("gone", OWNER, "2" * 8, soon)),
        "late": str(Label("seven", OWNER, "3" * 8, over)),
        "colleague": str(Label("seven", OTHER, "4" * 8, soon)),
        "forgotten": str(Label("theirs", OTHER, "5" * 8, over)),
        "odd": "swarmctl/seven/by-hand",
        "training": "training run 7",
        "unnamed": None,
    }
    names = {}
    for n, (name, label) in enumerate(labels.items()):
        names[name] = me.market.next_id
        me.market.send("PUT", f"/api/v0/asks/{100 + n}/", {}, {"disk": 60, "label": label, "env": {}})
    (tmp_path / "owner").write_text(OWNER)
    (tmp_path / "swarms" / "seven").mkdir(parents=True)
    ledger = Ledger(tmp_path / "ledger.sqlite", me.clock)
    return Account(me.market, World(me.clock, ledger, ModelStore(tmp_path / "m"), tmp_path), me.vast, names)


def everything(account: Account) -> set[str]:
    return set(account.names)


def test_orphans_says_what_each_is_and_shows_nobody_elses(account: Account) -> None:
    found = orphans(account.world, account.vast)
    names = {id_: name for name, id_ in account.names.items()}
    assert {names[int(one.lease.id)]: one.whose for one in found.found} == {
        "mine": Whose.HELD,
        "lost": Whose.ORPHAN,
        "late": Whose.EXPIRED,
        "colleague": Whose.COLLEAGUE,
        "forgotten": Whose.EXPIRED,
        "odd": Whose.STRANGE,
    }
    assert {names[int(one.lease.id)] for one in found.loose} == {"lost", "late", "forgotten"}
    assert found.hourly > 0


@pytest.mark.parametrize(
    ("how", "gone"),
    [
        ({}, {"lost", "late", "forgotten"}),
        ({"expired_only": True}, {"late", "forgotten"}),
        ({"any_owner": True}, {"lost", "late", "forgotten", "colleague"}),
    ],
)
def test_reap_ends_what_bills_for_nobody(account: Account, how: dict[str, bool], gone: set[str]) -> None:
    asked: list[int] = []
    done = reap(
        account.world, approve=lambda ending: bool(asked.append(len(ending)) or True), provider=account.vast, **how
    )
    assert account.held() == everything(account) - gone
    assert len(done.gone) == len(gone) == asked[0]


def test_without_a_yes_nothing_ends(account: Account) -> None:
    done = reap(account.world, approve=lambda _: False, provider=account.vast)
    assert account.held() == everything(account)
    assert {lease.id for lease, _ in done.left} == {str(account.names[n]) for n in ("lost", "late", "forgotten")}


def test_another_computer_with_the_key_reaps_what_is_over_and_nothing_else(account: Account, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "far/ledger.sqlite", account.world.clock)
    far = World(account.world.clock, ledger, ModelStore(tmp_path / "m"), tmp_path / "far")
    reap(far, approve=lambda _: True, provider=account.vast)
    assert account.held() == everything(account) - {"late", "forgotten"}


def test_a_failed_listing_ends_nothing_and_is_not_none(account: Account) -> None:
    account.market.spoil = on("GET", "/api/v1/instances/", says(500, "no"))
    for act in (
        lambda: orphans(account.world, account.vast),
        lambda: reap(account.world, approve=lambda _: True, provider=account.vast),
        lambda: release_mine(account.world, provider=account.vast),
    ):
        with pytest.raises(UnknownError):
            act()
    assert account.held() == everything(account)


def test_a_swarm_that_somebody_works_on_is_left_alone(account: Account) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path\n"
        "from swarmctl.effects.clock import SystemClock; from swarmctl.effects.ledger import Ledger\n"
        "with Ledger(Path(sys.argv[1]), SystemClock()).lock('gone', 'up'): print('held', flush=True); sys.stdin.read()"
    )
    file = str(account.world.state / "ledger.sqlite")
    with subprocess.Popen(
        [sys.executable, "-c", code, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline() == "held\n"
        done = reap(account.world, approve=lambda _: True, provider=account.vast)
        other.stdin.close()
        other.wait(10)
    assert account.held() == everything(account) - {"late", "forgotten"}
    ((lease, why),) = done.left
    assert lease.id == str(account.names["lost"])
    assert "held by" in why


def test_one_that_will_not_go_stops_none_of_the_others_and_is_said_last(account: Account) -> None:
    bad = account.names["lost"]
    account.market.spoil = on("DELETE", str(bad), says(500, "no"))
    with pytest.raises(LeakError, match=f"1 of 3 machines MAY STILL BILL: {bad}") as e:
        reap(account.world, approve=lambda _: True, provider=account.vast)
    assert e.value.exit_code == 10
    assert f"swarmctl down --lease {bad}" in e.value.hint
    assert account.held() == everything(account) - {"late", "forgotten"}


def test_down_all_ends_this_users_and_with_a_word_every_swarmctls(account: Account) -> None:
    release_mine(account.world, provider=account.vast)
    assert account.held() == {"colleague", "odd", "training", "unnamed"}
    release_mine(account.world, any_owner=True, provider=account.vast)
    assert account.held() == {"odd", "training", "unnamed"}


def test_down_lease_ends_one_of_any_swarmctl_and_twice_is_fine(account: Account) -> None:
    id_ = str(account.names["colleague"])
    assert [lease.id for lease in release_one(id_, account.world, provider=account.vast).gone] == [id_]
    assert release_one(id_, account.world, provider=account.vast).gone == ()
    assert account.held() == everything(account) - {"colleague"}


@pytest.mark.parametrize("name", ["odd", "training", "unnamed"])
def test_down_lease_touches_nobody_elses(account: Account, name: str) -> None:
    with pytest.raises(SpecError, match="is not ours"):
        release_one(str(account.names[name]), account.world, provider=account.vast)
    assert account.held() == everything(account)


@pytest.mark.parametrize("id_", ["", "x", "../1", "1 2", "9" * 30, "-1", "\u0661"])
def test_a_number_that_is_none_reaches_no_market(account: Account, id_: str) -> None:
    account.market.calls.clear()
    with pytest.raises(SpecError):
        release_one(id_, account.world, provider=account.vast)
    assert account.market.calls == []


def test_a_ledger_that_is_broken_keeps_no_machine_alive(account: Account) -> None:
    (account.world.state / "ledger.sqlite").write_bytes(b"no database at all, but long enough to look like one" * 50)
    reap(account.world, approve=lambda _: True, provider=account.vast)
    assert account.held() == everything(account) - {"lost", "late", "forgotten"}


def test_a_machine_asked_for_by_number_that_hides_is_found_in_the_listing(account: Account) -> None:
    id_ = str(account.names["lost"])
    account.market.after = on("GET", f"/instances/{id_}", says(200, {"instances": None}))
    release_one(id_, account.world, provider=account.vast)
    assert "lost" not in account.held()


def test_a_key_of_another_account_is_not_believed_that_a_machine_is_gone(tmp_path: Path) -> None:
    me = person(folder=tmp_path)
    id_ = me.hire().lease.id
    stranger = TinyMarket(me.clock)
    stranger.spoil = on("GET", "/users/current", says(200, {"id": 78, "credit": 1}))
    from swarmctl.effects.providers.here import vast_over

    ledger = Ledger(tmp_path / "ledger.sqlite", me.clock)
    world = World(me.clock, ledger, ModelStore(tmp_path / "m"), tmp_path)
    with pytest.raises(LeakError, match="account 78, and account 77 rented it"):
        release_one(id_, world, provider=vast_over(stranger, None, me.clock))
    release_one(id_, world, provider=me.vast)
    assert me.market.held == {}
    assert release_one(id_, world, provider=me.vast).gone == ()
