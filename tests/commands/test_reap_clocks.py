"""`reap` by two clocks: what only this computer calls over is shown, and ends by a person's word alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fakes.hired import OWNER, Person, person
from swarmctl.commands.reap import reap
from swarmctl.commands.release import Released
from swarmctl.core.leasing.label import Label
from swarmctl.core.leasing.ownership import Found
from swarmctl.effects.ledger import Ledger
from swarmctl.effects.store import ModelStore
from swarmctl.effects.world import World

HOUR = 3600


@dataclass
class Reaper:
    """Machines of ours and of a colleague, all over for an hour by this computer's clock, and one orphan."""

    me: Person
    ids: dict[str, int]
    shown: list[str] = field(default_factory=list)

    def reap(self, word: bool = False, **how: bool) -> Released:
        def sure(doubtful: Sequence[Found], why: str) -> bool:
            self.shown.append(why)
            self.shown += [one.lease.id for one in doubtful]
            return word

        folder = self.me.folder
        clock = self.me.clock
        world = World(clock, Ledger(folder / "ledger.sqlite", clock), ModelStore(folder / "m"), folder)
        return reap(world, approve=lambda _: True, sure=sure, provider=self.me.vast, **how)

    def held(self) -> set[str]:
        return {name for name, id_ in self.ids.items() if id_ in self.me.market.held}


@pytest.fixture
def reaper(tmp_path: Path) -> Reaper:
    me = person(folder=tmp_path, offers=9)
    now = int(me.clock.now().timestamp())
    labels = {
        "mine": Label("seven", OWNER, "1" * 8, now - HOUR),
        "colleague": Label("seven", "f" * 16, "2" * 8, now - HOUR),
        "orphan": Label("gone", OWNER, "3" * 8, now + HOUR),
    }
    ids = {}
    for n, (name, label) in enumerate(labels.items()):
        ids[name] = me.market.next_id
        me.market.send("PUT", f"/api/v0/asks/{100 + n}/", {}, {"disk": 60, "label": str(label), "env": {}})
    (tmp_path / "owner").write_text(OWNER)
    (tmp_path / "swarms" / "seven").mkdir(parents=True)
    return Reaper(me, ids)


@pytest.mark.parametrize("fast", [0.0, 59.0, -59.0, 2 * HOUR, -0.5 * HOUR])
def test_what_is_over_by_both_clocks_ends(reaper: Reaper, fast: float) -> None:
    reaper.me.market.fast = fast
    done = reaper.reap(expired_only=True)
    assert reaper.held() == {"orphan"}
    assert (len(done.gone), done.left, reaper.shown) == (2, (), [])


@pytest.mark.parametrize(("fast", "said"), [(-2 * HOUR, "2h ahead of the market's"), (None, "market's is not known")])
def test_what_is_over_by_our_clock_alone_is_shown_and_spared(reaper: Reaper, fast: float | None, said: str) -> None:
    reaper.me.market.fast = fast
    done = reaper.reap()
    assert reaper.held() == {"mine", "colleague"}, "an orphan ends whatever the time is"
    assert {lease.id for lease, _ in done.left} == {str(reaper.ids["mine"]), str(reaper.ids["colleague"])}
    assert all(said in why for _, why in done.left)
    assert said in reaper.shown[0]
    assert len(reaper.shown) == 3


def test_a_persons_word_ends_it_all_the_same(reaper: Reaper) -> None:
    reaper.me.market.fast = -2 * HOUR
    done = reaper.reap(word=True)
    assert reaper.held() == set()
    assert (len(done.gone), done.left) == (3, ())


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 99 Jan 2027 00:00:00 GMT", "Fri, 01 Jan 99999 00:00:00 GMT"])
def test_a_date_that_cannot_be_read_is_none(reaper: Reaper, date: str) -> None:
    from swarmctl.effects.providers.transport import Answer

    reaper.me.market._dated = lambda given: Answer(given.status, given.body, {"date": date})  # type: ignore[method-assign]
    reaper.reap(expired_only=True)
    assert reaper.held() == {"mine", "colleague", "orphan"}
