"""A swarm's models on their way: by the machine itself, else through here, with a line that says so."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.depots import Near, depot
from fakes.hub import Hub
from fakes.smallmodel import model
from swarmctl.core.observed import Source
from swarmctl.core.spec import ModelSource, SwarmSpec
from swarmctl.core.target import SshTarget, Target
from swarmctl.effects.bringing.looking import sources_there, ways
from swarmctl.effects.bringing.supply import Supply
from swarmctl.effects.engines.elsewhere import Elsewhere
from swarmctl.effects.errands import Errands
from swarmctl.effects.store import ModelStore
from swarmctl.errors import HostError, SpecError

PATH = "/owner/model/resolve/main/model.gguf"
SOURCE = ModelSource(hf="owner/model", file="model.gguf")
DIGEST = hashlib.sha256(model().read_bytes()).hexdigest()
NO_WAY = Near(http_proxy="http://127.0.0.1:9", no_proxy="")
"""A machine whose way out leads nowhere."""


def spec(source: ModelSource = SOURCE, *, token: bool = False) -> SwarmSpec:
    target = Target(ssh=SshTarget(hosts=("gpu1",), hub_token=token))
    return SwarmSpec.model_validate(
        {"name": "team", "models": {"lead": source}, "roles": {"orchestrator": {"model": "lead"}}, "target": target}
        | {"runtime": "compose", "engine": {"kind": "ollama"}}
    )


class Story:
    """One machine, one store, and what was said."""

    def __init__(self, folder: Path, line: Near | None = None) -> None:
        self.models = folder / "models" / "team"
        self.depot, self.store = depot(self.models, line), ModelStore(folder / "store")
        self.said, self.errands = list[str](), Errands()

    def supply(self, given: SwarmSpec | None = None) -> Supply:
        return Supply(given or spec(), self.depot, self.store, self.errands, self.said.append)

    @property
    def here(self) -> list[Path]:
        return list((self.store.root / "blobs").glob("*"))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    """One that both can reach, as one in the world is."""
    with Hub() as made:
        made.files[PATH], made.commit = model().read_bytes(), "c" * 40
        monkeypatch.setenv("HF_ENDPOINT", made.url)
        monkeypatch.setenv("HF_HOME", str(tmp_path))
        monkeypatch.delenv("HF_TOKEN", raising=False)
        monkeypatch.setattr("swarmctl.effects.bringing.resolving.is_loopback", lambda _url: False)
        yield made


def bring(story: Story, given: SwarmSpec | None = None) -> str:
    chosen = given or spec()
    return story.supply(chosen).bring(chosen.models["lead"], lambda _done, _total: None)


def test_the_machine_fetches_it_and_nothing_of_it_comes_here(hub: Hub, tmp_path: Path) -> None:
    story = Story(tmp_path)
    assert bring(story) == "hub"
    assert story.depot.look().whole == {DIGEST}
    assert story.here == []
    assert bring(story) == "there already"
    assert story.said == []


@pytest.mark.slow
def test_one_that_does_not_reach_the_hub_is_sent_it_and_that_is_said(hub: Hub, tmp_path: Path) -> None:
    story = Story(tmp_path, NO_WAY)
    assert bring(story) == "here"
    assert story.depot.look().whole == {DIGEST}
    assert story.said == [
        f"gpu1 does not reach the hub ({story.said[0][29:].partition(')')[0]}): {SOURCE.key} goes through here"
    ]
    assert len(story.here) == 1


def test_a_guarded_model_goes_through_here_unless_the_file_lends_the_token(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.token = "hf_secret"
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    kept, lent = Story(tmp_path / "kept"), Story(tmp_path / "lent")
    assert bring(kept) == "here"
    assert "is not lent: it goes through here" in kept.said[0]
    assert bring(lent, spec(token=True)) == "hub"
    assert lent.here == []
    assert all(b"hf_secret" not in path.read_bytes() for path in (tmp_path / "lent").rglob("*") if path.is_file())


def test_what_is_here_alone_is_sent(tmp_path: Path) -> None:
    story, source = Story(tmp_path), ModelSource(path=str(model()))
    assert bring(story, spec(source)) == "here"
    assert story.depot.look().whole == {DIGEST}


def test_what_a_cut_left_is_not_sent_again(tmp_path: Path) -> None:
    story, source = Story(tmp_path), ModelSource(path=str(model()))
    part, data = story.models / "incoming" / DIGEST, model().read_bytes()
    part.parent.mkdir(parents=True)
    part.write_bytes(data[:1_000_000])
    bring(story, spec(source))
    assert story.said == [
        f"{source.key}: {len(data) - 1_000_000:,} of {len(data):,} bytes were sent, the others were there"
    ]


def test_a_server_is_given_what_the_machine_has_even_where_it_was_rewritten(tmp_path: Path) -> None:
    story, source = Story(tmp_path), ModelSource(path=str(model()))
    supply = story.supply(spec(source))
    story.store.add(source)
    digest, file = supply.weights(source)
    assert (digest, file.bytes) == (DIGEST, model().stat().st_size)
    blob = story.models / "ollama" / "blobs" / f"sha256-{DIGEST}"

    def give(file: Elsewhere) -> None:
        with Errands():
            file.give(lambda _done, _total: None)

    give(file)
    assert blob.is_file()
    stored = story.models / "ollama" / "blobs" / "sha256-5"
    stored.write_bytes(b"x")
    story.depot.rewritten(DIGEST, "5", read=False)
    assert not blob.exists()
    give(file)
    assert blob.is_file(), "its server forgot the model: the file comes again"


def test_what_fails_before_the_machine_is_ready_is_tried_again_when_it_is_needed(tmp_path: Path) -> None:
    class Young(Near):
        born = False

        def converse(self, argv, **more):  # type: ignore[no-untyped-def]
            return super().converse(argv if self.born else ["sh", "-c", "exit 127"], **more)

    line = Young()
    story, source = Story(tmp_path, line), ModelSource(path=str(model()))
    supply = story.supply(spec(source))
    with story.errands:
        supply.begin([source])
        assert next(iter(story.errands._begun.values())).ended.wait(30)
        story.errands.check()
        line.born = True
        supply.wait(source, lambda *_: None)
    assert story.depot.look().whole == {DIGEST}


def test_a_file_that_is_none_makes_all_in_vain(tmp_path: Path) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(b"no model")
    story, source = Story(tmp_path), ModelSource(path=str(bad))
    with story.errands:
        supply = story.supply(spec(source))
        supply.begin([source])
        assert next(iter(story.errands._begun.values())).ended.wait(30)
        with pytest.raises(SpecError):
            story.errands.check()


def test_the_plan_says_what_is_there_and_how_the_rest_would_come(hub: Hub, tmp_path: Path) -> None:
    story, path = Story(tmp_path), ModelSource(path=str(model()))
    seen = {SOURCE.key: Source(SOURCE.key), path.key: Source(path.key, held=True)}

    def look(source: ModelSource) -> Source:
        return sources_there(spec(source), seen, story.store, story.depot)[source.key]

    assert (look(SOURCE).held, look(SOURCE).cause) == (False, f"not on gpu1; it fetches {SOURCE.key}")
    assert look(SOURCE).facts is not None
    assert not look(path).held, "what is here is not there"
    bring(story)
    assert look(SOURCE).held
    assert story.store.held(SOURCE) is None
    assert ways(spec()) == "models: it fetches 1 of them from the hub by itself"
    assert ways(spec(path)) == "models: 1 are sent from here"
    assert "your hub token is lent" in ways(spec(token=True))


def test_nothing_that_is_known_of_nobody_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HostError):
        Story(tmp_path, Near(PATH="/nowhere")).depot.look()
