"""Faults that users of Ollama report, made on real servers: `check` names each within seconds, and `up` heals it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.faults import MODELS, SERVER, Breakable, Found, breakable, reported
from fakes.grounded import docker, stands
from ground.places import tiny

pytestmark = [pytest.mark.ground, pytest.mark.scenario(seconds=45)]
NEW, OLD = "0.32.15", "0.24.0"
ONE = pytest.mark.parametrize("swarm", [NEW], indirect=True, scope="module")
"""What both generations do alike is shown on the current one."""
LITTLE = 120
"""MiB in which the server lives and no model does."""
BOTH = pytest.mark.parametrize("swarm", [NEW, OLD], indirect=True, scope="module")


@pytest.fixture(scope="module")
def found(request: pytest.FixtureRequest) -> Iterator[list[Found]]:
    with reported(request) as rows:
        yield rows


@pytest.fixture(scope="module")
def swarm(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, found: list[Found]
) -> Iterator[Breakable]:
    stands("engine", "models", "bookworm", "ollama" if request.param == NEW else "ollama-old")
    store = tmp_path_factory.mktemp("store")
    with breakable(tmp_path_factory.mktemp("person"), store, request.param, found) as made:
        yield made


@ONE
def test_fewer_models_may_be_loaded_than_are_planned(swarm: Breakable) -> None:
    swarm.override(environment={"OLLAMA_MAX_LOADED_MODELS": "1"})
    swarm.talk()
    failed = swarm.red("MAX_LOADED 1 of 2", "planned models loaded at once", SERVER, "1 of 2 loaded; absent: lead")
    assert {f"environment as planned {SERVER}", f"all models at once {SERVER}"} <= set(failed)
    swarm.heals()


@BOTH
def test_a_keep_alive_that_the_server_cannot_read(swarm: Breakable) -> None:
    swarm.edit(lambda service: service["environment"].update(OLLAMA_KEEP_ALIVE="forever"))
    swarm.talk()
    said = "OLLAMA_KEEP_ALIVE='5m0s' is understood, not '86400s'"
    failed = swarm.red("KEEP_ALIVE=forever", "environment as planned", SERVER, said)
    assert {"keep-alive in force model lead", "keep-alive in force model docs"} <= set(failed)
    swarm.heals()


@BOTH
def test_a_clients_own_keep_alive(swarm: Breakable) -> None:
    assert swarm.talk("lead", keep_alive="2m") == [200]
    swarm.red("a client's keep_alive", "keep-alive in force", "model lead", r"goes in (2m|1\d\ds|\d\ds)")
    swarm.heals()


@BOTH
def test_a_clients_own_context(swarm: Breakable) -> None:
    assert swarm.talk("docs", options={"num_ctx": 1024, "num_predict": 1}) == [200]
    swarm.red("a client's num_ctx", "context and parallelism in force", "model docs", "1 × 1024 tokens")
    swarm.heals()


@ONE
def test_a_context_that_is_left_to_the_tier(swarm: Breakable) -> None:
    swarm.edit(lambda service: service["environment"].pop("OLLAMA_CONTEXT_LENGTH"))
    swarm.answers()
    held = swarm.blob("lead").name.replace("sha256-", "sha256:")
    swarm.create("lead", files={"lead.gguf": held}, template=swarm.template("lead"))
    swarm.talk()
    failed = swarm.red("context left to the tier", "context and parallelism in force", "model lead", "1 × 4096 tokens")
    assert f"environment as planned {SERVER}" in failed
    swarm.heals()


@BOTH
def test_a_cache_type_without_flash_attention(swarm: Breakable) -> None:
    """0.24 drops the type and says so in its log alone; from 0.30 on no model loads."""
    swarm.override(environment={"OLLAMA_FLASH_ATTENTION": "0"})
    codes = swarm.talk()
    if swarm.engine == NEW:
        assert 200 not in codes
        said = "no answer.*quantized V cache requires flash_attn"
        failed = swarm.red("KV type without flash attention", "answers", "model lead", said)
        assert f"planned models loaded at once {SERVER}" in failed
    else:
        swarm.red("KV type without flash attention", "KV type in force", "model lead", r"^f16 ")
    swarm.heals()


@BOTH
def test_two_models_from_one_file(swarm: Breakable) -> None:
    swarm.create("docs", **{"from": "lead"})
    swarm.talk()
    failed = swarm.red(
        "two models from one file", "planned models loaded at once", SERVER, "docs and lead are one file"
    )
    assert failed
    swarm.heals()


@ONE
def test_a_wrong_template(swarm: Breakable) -> None:
    swarm.create("lead", **{"from": "lead"}, template="{{ .System }}\n### Instruction:\n{{ .Prompt }}\n### Response:\n")
    swarm.talk()
    failed = swarm.red("wrong template", "chat format in force", "model lead", "after .* comes")
    assert "tools in force model lead" in failed
    swarm.heals()


@BOTH
def test_a_file_that_was_cut_short_after_it_was_stored(swarm: Breakable) -> None:
    """A new `create` says that it went well, and the model still does not load: the bytes must go."""
    with swarm.blob("docs").open("r+b") as blob:
        blob.truncate(40_000_000)
    swarm.restart()
    assert swarm.talk() == [200, 500]
    swarm.red("truncated after it was stored", "answers", "model docs", "no answer.*(exceeds file size|file bounds)")
    swarm.heals()
    assert swarm.talk() == [200, 200]


@ONE
def test_a_file_that_lost_its_head(swarm: Breakable) -> None:
    """Then the server cannot even show the model."""
    with swarm.blob("lead").open("r+b") as blob:
        blob.write(bytes(4096))
    swarm.restart()
    swarm.talk()
    swarm.red("a stored file without a head", "answers", "model lead", "no answer")
    swarm.heals()


@BOTH
def test_killed_in_every_load(swarm: Breakable) -> None:
    swarm.limit(LITTLE)
    assert 200 not in swarm.talk()
    failed = swarm.red(
        "killed in every load", "memory under its limit", SERVER, rf"of {LITTLE} MiB, \d+ killed for memory"
    )
    assert {"answers model lead", "answers model docs", f"planned models loaded at once {SERVER}"} <= set(failed)
    swarm.heals()


@ONE
def test_one_kill_heals_itself_and_is_counted(swarm: Breakable) -> None:
    server = swarm.container(SERVER)
    whole = docker("inspect", "-f", "{{.HostConfig.Memory}}", server).strip()
    for model in MODELS:
        swarm.ollama("/api/generate", model=model, keep_alive=0)
    docker("update", "--memory", f"{LITTLE}m", "--memory-swap", f"{LITTLE}m", server)
    assert swarm.talk("docs") == [500]
    docker("update", "--memory", whole, "--memory-swap", whole, server)
    assert swarm.talk("lead", keep_alive=-1) == [200]
    assert swarm.talk("docs") == [200], "whoever asks next has it loaded again"
    proofs = {f"{p['name']} {p['subject']}": p for p in swarm.verdict()["proofs"]}
    assert "1 killed for memory" in proofs[f"memory under its limit {SERVER}"]["measured"]


@ONE
def test_a_port_on_all_addresses(swarm: Breakable) -> None:
    def open_up(service: dict[str, list[str]]) -> None:
        service["ports"] = [port.replace("127.0.0.1:", "0.0.0.0:") for port in service["ports"]]

    swarm.edit(open_up, "forwarder-cpu")
    failed = swarm.red(
        "port on 0.0.0.0", "API closed from outside", swarm.name, r"forwarder-cpu publishes 0\.0\.0\.0:\d+"
    )
    assert f"sockets closed from outside {swarm.name}" in failed
    swarm.heals()


@BOTH
def test_a_file_that_was_cut_short_before_it_was_stored(swarm: Breakable, tmp_path: Path) -> None:
    """Neither generation takes half a file from a client, and `up` refuses a swarm file that names one."""
    half = tmp_path / "half.gguf"
    half.write_bytes(tiny("docs").read_bytes()[:40_000_000])
    assert "error" in swarm.creates("docs", files={"half.gguf": f"sha256:{swarm.upload(half)}"})
    assert swarm.verdict("--look")["passed"], "what was there goes on"
    refused = swarm.up("--set", f"models.docs.path={half}", expect=6)
    assert "half.gguf: is truncated: the file has 40,000,000 bytes" in refused.stderr
