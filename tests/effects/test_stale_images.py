"""Which images of ours are current: here, and on another machine whose Engine has a base of its own under the tag."""

import pytest

from swarmctl import __version__
from swarmctl.effects import imaging
from swarmctl.effects.dockerapi import Ask
from swarmctl.effects.imaging import BASE, INPUTS, Here, stale
from swarmctl.effects.recipe import Recipe, recipe
from swarmctl.errors import HostError

AGENT = f"swarmctl/agent:{__version__}"
NEAR, FAR, OLD = (f"sha256:{digit * 64}" for digit in "123")


@pytest.fixture
def own() -> Recipe:
    found = recipe(AGENT)
    assert found is not None
    return found


def engine(own: Recipe, built_on: str, base: str | None) -> dict[str, Here]:
    labels = {INPUTS: own.inputs(built_on), BASE: built_on}
    return {AGENT: Here("sha256:" + "a" * 64, labels=labels), **({own.base: Here(base)} if base else {})}


def near(monkeypatch: pytest.MonkeyPatch, own: Recipe, base: str | None) -> None:
    """The Engine of this machine, with such a base or without."""
    rows = [{"Id": base, "RepoTags": [own.base]}] if base else []

    def asking() -> Ask:
        return lambda _path, **_: rows

    monkeypatch.setattr(imaging, "asking", asking)


@pytest.mark.parametrize(("base", "wanted"), [(NEAR, []), (None, []), (FAR, [AGENT])])
def test_here_the_base_under_its_tag_counts(
    own: Recipe, monkeypatch: pytest.MonkeyPatch, base: str | None, wanted: list[str]
) -> None:
    near(monkeypatch, own, NEAR)
    assert stale(engine(own, NEAR, base)) == wanted


@pytest.mark.parametrize(
    ("built_on", "wanted"), [(NEAR, []), (FAR, []), (OLD, [AGENT])], ids=["sent from here", "built there", "neither"]
)
def test_elsewhere_it_may_be_of_either_base(
    own: Recipe, monkeypatch: pytest.MonkeyPatch, built_on: str, wanted: list[str]
) -> None:
    near(monkeypatch, own, NEAR)
    assert stale(engine(own, built_on, FAR), apart=True) == wanted


def test_what_was_sent_is_sent_anew_when_the_base_here_changed(own: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    near(monkeypatch, own, OLD)
    assert stale(engine(own, NEAR, FAR), apart=True) == [AGENT]


def test_without_an_engine_here_its_own_base_counts(own: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    def asking() -> Ask:
        raise HostError("no Engine answers")

    monkeypatch.setattr(imaging, "asking", asking)
    assert stale(engine(own, FAR, FAR), apart=True) == []
    assert stale(engine(own, NEAR, FAR), apart=True) == [AGENT]
