"""The command line of a llama-server, by equality, and against the flags that llama.cpp knows."""

from pathlib import Path

import pytest

from swarmctl.core.engine import EngineFile
from swarmctl.core.llamacpp import server_argv, slot_context

ENGINE = EngineFile(
    swarm="demo", model="coder", blob="/b", port=1, key_file="/k", context=1000, parallel=3, kv="q8_0",
    flash_attention=True, threads=2, cache_ram=64, keep_alive=-1, gpu_layers=-1,
)  # fmt: skip


def test_every_value_is_on_the_command_line_and_the_key_is_not() -> None:
    assert " ".join(server_argv("/usr/bin/llama-server", ENGINE)) == (
        "/usr/bin/llama-server --model /b --alias coder --host 127.0.0.1 --port 1 --api-key-file /ks "
        "--ctx-size 3072 --parallel 3 --cache-type-k q8_0 --cache-type-v q8_0 --flash-attn on "
        "--threads 2 --threads-batch 2 --threads-http 7 --batch-size 512 --ubatch-size 512 --cache-ram 64 "
        "--gpu-layers 999 --sleep-idle-seconds -1 --fit off --log-verbosity 4 --no-kv-unified "
        "--no-context-shift --no-repack --jinja --offline --no-webui --slots --metrics"
    )


def test_what_is_off_is_said_to_be_off() -> None:
    argv = server_argv("x", ENGINE.model_copy(update={"flash_attention": False, "gpu_layers": 0}))
    assert argv[argv.index("--flash-attn") + 1] == "off"
    assert argv[argv.index("--gpu-layers") + 1] == "0"


def test_llamacpp_knows_every_flag() -> None:
    """The wheel carries llama.cpp's own parser of flags: each of ours must be in it."""
    xllamacpp = pytest.importorskip("xllamacpp")
    (library,) = Path(xllamacpp.__file__).parent.glob("xllamacpp*.so")
    known = library.read_bytes()
    flags = [word for word in server_argv("x", ENGINE) if word.startswith("--")]
    assert len(flags) == 28
    assert [flag for flag in flags if f"\0{flag}\0".encode() not in known] == []


@pytest.mark.parametrize(("asked", "given"), [(256, 256), (257, 512), (1000, 1024), (4096, 4096)])
def test_slots_hold_multiples_of_256(asked: int, given: int) -> None:
    assert slot_context(asked) == given
