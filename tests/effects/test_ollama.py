"""The adapter against the real Ollama of both generations: models in, loaded, asked, out, and what goes wrong."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.agents import free_port
from fakes.ollama_server import NEW, OLD, Server, named, recipe, serving
from swarmctl.core.modelfile import read
from swarmctl.core.ollama.log import starts
from swarmctl.core.ollama.order import Wish, order
from swarmctl.effects.engines.ollama import Ollama
from swarmctl.effects.serving import stay
from swarmctl.errors import DeployError, HostError

pytestmark = [pytest.mark.ground, pytest.mark.slow]
Up = tuple[Server, Ollama]
SETTINGS = {
    "OLLAMA_FLASH_ATTENTION": "1",
    "OLLAMA_KEEP_ALIVE": "-1",
    "OLLAMA_NO_CLOUD": "1",
    "LLAMA_ARG_CACHE_RAM": "0",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return named(tmp_path_factory.mktemp("ggufs"), "one", "two", "three")


@pytest.fixture(scope="module", params=[NEW, OLD])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def up(version: str, tmp_path: Path) -> Iterator[Up]:
    with serving(tmp_path, version, **SETTINGS) as server, _client(server) as client:
        yield server, client


def _client(server: Server) -> Ollama:
    return Ollama(server.url, log=server.text, store=server.models)


def test_the_version_is_read_and_decides_the_rules(up: Up, version: str) -> None:
    engine, notes = up[1].engine()
    assert ".".join(map(str, engine.version)) == version
    assert engine.rules == {NEW: "ollama 0.30", OLD: "ollama 0.24"}[version]
    assert notes == ()


@pytest.mark.parametrize("here", [True, False])
def test_a_model_goes_in_once_and_answers(up: Up, files: dict[str, Path], *, here: bool) -> None:
    client, seen = up[1] if here else Ollama(up[0].url), list[tuple[str, int, int]]()
    text = recipe("one", files["one"])
    assert client.put("one", text, files["one"], lambda _, what, done, total: seen.append((what, done, total)))
    size = files["one"].stat().st_size
    sent = [done for what, done, total in seen if what == "upload" and total == size]
    assert sent == sorted(sent)
    assert len(sent) > 10
    assert sent[-1] == size
    assert seen[-1] == ("create", size, size)
    assert client.models() == ("one",)
    shown = client.show("one")
    assert shown is not None
    assert shown.created.parameters == read(text).parameters
    assert shown.created.template == read(text).template
    assert "tools" in shown.capabilities
    client.load(Wish("one", size, -1))
    answer = client.ask("one", "Say hello.", 8)
    assert answer.text.strip()
    assert 0 < answer.tokens <= 8
    assert answer.rate > 1
    again = client.ask("one", "Say hello.", 8)
    assert (again.text, again.prompt) == (answer.text, answer.prompt)
    assert again.load < 0.5


def test_an_unchanged_model_is_not_touched_and_a_changed_one_not_sent_again(up: Up, files: dict[str, Path]) -> None:
    server, client = up[0], Ollama(up[0].url)  # one that sends, since it does not know the server's folder
    client.put("one", recipe("one", files["one"]), files["one"])
    before = server.text().count("/api/create")
    assert client.put("one", recipe("one", files["one"]), files["one"], _never) == ()
    assert server.text().count("/api/create") == before
    changed = recipe("one", files["one"], context=512)
    assert client.put("one", changed, files["one"], _no_upload) == ("num_ctx 1024 → 512",)
    assert client.put("one", recipe("one", files["one"], family="gemma"), files["one"], _no_upload)[0] == "template"
    other = recipe("one", files["two"], family="gemma")
    assert client.put("one", other, files["two"]) == ("weights",), "another file under the same name"
    assert server.text().count('POST     "/api/blobs/') == 2


def _never(model: str, what: str, done: int, total: int) -> None:
    raise AssertionError(f"{model}: {what} {done} of {total}")


def _no_upload(model: str, what: str, done: int, total: int) -> None:
    assert what != "upload", f"{model}: {done} of {total}"


def test_the_files_own_template_serves_where_the_engine_runs_it(up: Up, files: dict[str, Path]) -> None:
    client, text = up[1], recipe("one", files["one"], family="own")
    assert client.put("one", text, files["one"]) == ("new",)
    assert client.put("one", text, files["one"], _never) == ()
    shown = client.show("one")
    assert shown is not None
    assert "<|im_start|>" in shown.created.template, "found by the engine, from the file's"
    client.load(Wish("one", 1))
    assert client.ask("one", "Say hello.", 8).tokens > 0


def test_a_file_lies_there_once_and_two_models_may_stand_on_it(up: Up, files: dict[str, Path]) -> None:
    """0.32 stores what it is given rewritten, and would keep both."""
    server, client = up
    client.put("one", recipe("one", files["one"]), files["one"])
    client.put("also", recipe("also", files["one"], context=512), files["one"], _no_upload)
    big = [blob for blob in server.models.glob("blobs/*") if blob.stat().st_size > 1_000_000]
    assert len(big) == 1
    client.load(Wish("one", 1))
    client.load(Wish("also", 1))


def test_what_somebody_added_by_hand_is_a_change(up: Up, files: dict[str, Path]) -> None:
    client = up[1]
    client.put("one", recipe("one", files["one"]), files["one"])
    extra = recipe("one", files["one"]).replace("PARAMETER num_ctx", "PARAMETER top_k 3\nPARAMETER num_ctx")
    client.put("one", extra, files["one"])
    assert client.put("one", recipe("one", files["one"]), files["one"]) == ("top_k 3 → unset",)
    assert client.put("one", recipe("one", files["one"]), files["one"]) == ()


def test_our_modelfile_is_ollamas_own(up: Up, files: dict[str, Path], tmp_path: Path) -> None:
    """The file that is written for `ollama create -f` makes the very model that the adapter makes."""
    server, client = up
    source = tmp_path / "one.gguf"
    source.write_bytes(files["one"].read_bytes())
    text = recipe("one", files["one"]).replace(str(files["one"]), str(source))
    (tmp_path / "Modelfile").write_text(text)
    words = server.cli("create", "-f", str(tmp_path / "Modelfile"), "one")
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert client.put("one", text, source, _never) == ()


def test_the_largest_first_and_all_at_once(up: Up, files: dict[str, Path]) -> None:
    client = up[1]
    for name in ("one", "two", "three"):
        client.put(name, recipe(name, files[name]), files[name])
    for place, wish in enumerate(order([Wish("one", 10, 3600), Wish("two", 30, -1), Wish("three", 20, 3600)])):
        client.load(wish)
        stay(client, ("two", "three", "one")[: place + 1])
    assert {row.name for row in client.running()} == {"one", "two", "three"}
    client.unload("two")
    assert "two" not in {row.name for row in client.running()}
    client.delete("two")
    client.delete("two")
    assert client.models() == ("one", "three")
    assert client.show("two") is None


def test_a_model_that_is_pushed_out_is_named(version: str, tmp_path: Path, files: dict[str, Path]) -> None:
    with serving(tmp_path, version, **SETTINGS, OLLAMA_MAX_LOADED_MODELS="1") as server, _client(server) as client:
        for name in ("one", "two"):
            client.put(name, recipe(name, files[name]), files[name])
        client.load(Wish("two", 20))
        stay(client, ("two",))
        client.load(Wish("one", 10))
        with pytest.raises(DeployError, match="loading one pushed out two"):
            stay(client, ("two", "one"))


def test_a_copy_that_went_bad_is_found_and_replaced(up: Up, files: dict[str, Path]) -> None:
    server, client = up
    text = recipe("one", files["one"])
    client.put("one", text, files["one"])
    client.put("also", recipe("also", files["one"]), files["one"])
    shown = client.show("one")
    assert shown is not None
    with (server.models / f"blobs/sha256-{shown.stored}").open("r+b") as blob:
        blob.truncate(40_000_000)
    with pytest.raises(DeployError, match=r"^one does not load: tensor .* exceeds file size"):
        client.load(Wish("one", 1))
    assert client.renew("one", text, files["one"]) == ("also",), "whatever stands on the same bytes goes too"
    client.load(Wish("one", 1))
    assert client.ask("one", "Say hello.", 4).tokens > 0


def test_a_copy_without_a_head_is_replaced(up: Up, files: dict[str, Path]) -> None:
    server, client = up
    text = recipe("one", files["one"])
    client.put("one", text, files["one"])
    for blob in server.models.glob("blobs/sha256-*"):
        if blob.stat().st_size > 1_000_000:
            with blob.open("r+b") as opened:
                opened.write(bytes(4096))
    with pytest.raises(DeployError, match=r"^one does not load: ") as told:
        client.load(Wish("one", 1))
    assert told.value.message.removeprefix("one does not load: ")
    assert client.renew("one", text, files["one"]) == ()
    client.load(Wish("one", 1))


def test_without_the_store_damaged_bytes_are_named(up: Up, files: dict[str, Path]) -> None:
    server, client = up
    client.upload("one", read(recipe("one", files["one"])).origin, files["one"])
    blind = Ollama(server.url)
    with pytest.raises(DeployError, match="keeps damaged bytes") as told:
        blind.renew("one", recipe("one", files["one"]), files["one"])
    assert told.value.hint.startswith('rm "$OLLAMA_MODELS/blobs/sha256-')


def test_a_file_that_is_not_whole_is_refused_or_named_when_it_loads(
    up: Up, tmp_path: Path, files: dict[str, Path]
) -> None:
    part = tmp_path / "part.gguf"
    part.write_bytes(files["one"].read_bytes()[:40_000_000])
    with pytest.raises(DeployError, match=r"refuses: .*tensor|refuses: .*EOF"):
        up[1].put("part", recipe("part", part), part)
    assert up[1].models() == ()


def test_a_file_of_another_hash_is_refused(up: Up, files: dict[str, Path]) -> None:
    with pytest.raises(DeployError, match=r"does not take two\.gguf: .*digest"):
        up[1].put("one", recipe("one", files["one"]), files["two"])


def test_a_full_disk_is_named(version: str, tmp_path: Path, files: dict[str, Path]) -> None:
    with serving(tmp_path, version, store_mib=60, **SETTINGS) as server, _client(server) as client:
        with pytest.raises(DeployError, match="no space left on device"):
            client.put("one", recipe("one", files["one"]), files["one"])
        assert client.models() == ()


def test_killed_in_the_middle_and_healed_by_the_next(version: str, tmp_path: Path, files: dict[str, Path]) -> None:
    text = recipe("one", files["one"])
    with serving(tmp_path, version, **SETTINGS) as server, _client(server) as client:

        def kill(_model: str, _what: str, done: int, total: int) -> None:
            if done > total // 2:
                server.process.kill()

        with pytest.raises(HostError, match="does not answer, or broke off"):
            client.put("one", text, files["one"], kill)
    with serving(tmp_path, version, **SETTINGS) as server, _client(server) as client:
        assert client.put("one", text, files["one"]) == ("new",)
        client.load(Wish("one", 1))


def test_nobody_there_is_a_host_error_in_time() -> None:
    with Ollama(f"http://127.0.0.1:{free_port()}") as client, pytest.raises(HostError, match="does not answer") as told:
        client.engine()
    assert told.value.hint.startswith("curl ")


def test_a_model_that_it_does_not_know(up: Up) -> None:
    with pytest.raises(DeployError, match=r"^ghost does not load: .*not found"):
        up[1].load(Wish("ghost", 1))
    assert starts(up[0].text()) == {}
