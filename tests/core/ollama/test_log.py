"""Lines that the real server wrote, of both generations, and lines that nobody should write."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmctl.core.ollama.log import configured, launches, starts, why

LOGS = Path(__file__).resolve().parents[2] / "data" / "ollamalogs"
NEW, OLD = (LOGS / "0.32.15.log").read_text(), (LOGS / "0.24.0.log").read_text()
START = 'level=INFO msg="starting llama-server" cmd="/x/llama-server --model /b/sha256-{blob} -c {cells} -np {slots}"\n'
A, B = "a" * 64, "b" * 64


@pytest.mark.parametrize("log", [NEW, OLD], ids=["0.32.15", "0.24.0"])
def test_the_environment_as_the_server_understood_it(log: str) -> None:
    said = configured(log)
    assert said is not None
    assert said["OLLAMA_MAX_LOADED_MODELS"] == "2"
    assert said["OLLAMA_KEEP_ALIVE"] == "2562047h47m16.854775807s"
    assert said["OLLAMA_HOST"] == "http://127.0.0.1:11434"
    assert said["OLLAMA_ORIGINS"].startswith("[http://localhost ")
    assert said["HTTP_PROXY"] == said["no_proxy"] == ""
    assert configured(log.replace("server config", "other")) is None


@pytest.mark.parametrize(("log", "compute"), [(NEW, 15.67), (OLD, 101.39)], ids=["0.32.15", "0.24.0"])
def test_how_each_model_was_started(log: str, compute: float) -> None:
    found = launches(log)
    assert len(found) == 2
    for blob, launch in found.items():
        assert launch.blob == blob
        assert (launch.context, launch.parallel, launch.kv, launch.flash, launch.batch) == (1024, 2, "q8_0", "on", 512)
        assert launch.lines is not None
        assert (launch.lines.weights, launch.lines.kv, launch.lines.compute) == (92.1, 23.91, compute)
        assert set(launch.buffers) == {"CPU"}
        assert (launch.on_gpu, launch.kept_on_gpu) == (0, 0)
        assert launch.on_host == pytest.approx(92.1 + 23.91 + compute + 0.38)
        assert blob in launch.said
    assert set(starts(log).values()) == {1}


def test_the_last_start_counts() -> None:
    log = START.format(blob=A, cells=4096, slots=2) + START.format(blob=B, cells=10, slots=1)
    log += START.format(blob=A, cells=8192, slots=1)
    assert launches(log)[A].context == 8192
    assert starts(log) == {A: 2, B: 1}


def test_weights_on_a_device_and_reckoning_on_it_are_told_apart() -> None:
    log = START.format(blob=A, cells=512, slots=1)
    log += "load_tensors: offloaded 10/31 layers to GPU\n"
    for line in ("  CPU_Mapped model", "Vulkan_Host output", "Vulkan0 compute", "CPU KV"):
        log += f"x: {line} buffer size =    10.00 MiB\n"
    launch = launches(log)[A]
    assert (launch.on_gpu, launch.kept_on_gpu, launch.on_host) == (10, 0, 30)
    assert launch.layers == (10, 31)
    assert launches(f"{log}x: CUDA0 KV buffer size = 5.00 MiB\n")[A].kept_on_gpu == 5


@pytest.mark.parametrize(
    ("device", "software"),
    [
        ("Vulkan0 (llvmpipe (LLVM 21.1.8, 256 bits)) (unknown id)", "Vulkan0 (llvmpipe (LLVM 21.1.8, 256 bits))"),
        ("Vulkan0 (SwiftShader Device (LLVM 10.0.0)) (unknown id)", "Vulkan0 (SwiftShader Device (LLVM 10.0.0))"),
        ("CUDA0 (NVIDIA GeForce RTX 4090) (0000:01:00.0)", ""),
        ("Vulkan0 (AMD Radeon RX 7900 XTX (RADV NAVI31)) (0000:03:00.0)", ""),
    ],
)
def test_a_gpu_that_is_software_is_named(device: str, software: str) -> None:
    line = f"llama_prepare_model_devices: using device {device} - 20595 MiB free\n"
    log = f"{START.format(blob=A, cells=1, slots=1)}{line}{START.format(blob=B, cells=1, slots=1)}"
    assert (launches(log)[A].software, launches(log)[B].software) == (software, "")


def test_the_other_engine_of_the_old_generation() -> None:
    log = f"""msg="starting runner" cmd="/bin/ollama runner --ollama-engine --port 1"
msg="starting runner" cmd="/bin/ollama runner --ollama-engine --model /b/sha256-{A} --port 59627"
msg=load request="{{Operation:fit LoraPath:[] Parallel:9 BatchSize:9 FlashAttention:Disabled KvSize:9 KvCacheType:}}"
msg="model weights" device=CUDA0 size="1.5 GiB"
msg="kv cache" device=CUDA0 size="544.0 KiB"
msg="compute graph" device=CPU size="5.0 MiB"
msg=load request="{{Operation:commit Parallel:2 BatchSize:512 FlashAttention:Enabled KvSize:2048 KvCacheType:q8_0}}"
msg=load request="{{Operation:close LoraPath:[] Parallel:0 BatchSize:0 FlashAttention:Disabled KvSize:0 KvCacheType:}}"
"""
    (launch,) = launches(log).values()
    assert (launch.context, launch.parallel, launch.kv, launch.flash) == (1024, 2, "q8_0", "on")
    assert launch.buffers == {"CUDA0": 1536 + 544 / 1024, "CPU": 5}
    assert launch.kept == {"CUDA0": 1536 + 544 / 1024}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("llama_model_load: error loading model: tensor 'x' data is not within the file bounds, model is corrupted",
         "tensor 'x' data is not within the file bounds, model is corrupted"),
        ("alloc: unable to allocate CUDA0 buffer", "unable to allocate CUDA0 buffer"),
        ("llama_model_load: error loading model: unknown architecture", "unknown architecture"),
        ("llama_init: V cache quantization requires flash_attn", "V cache quantization requires flash_attn"),
        ("srv start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 60716",
         "couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 60716"),
        ("Listen error: listen tcp 127.0.0.1:55860: bind: address already in use",
         "listen tcp 127.0.0.1:55860: bind: address already in use"),
        ('time=T level=ERROR source=x msg="it broke" error=y', 'it broke" error=y'),
        ("all is well", ""),
    ],
)  # fmt: skip
def test_why_a_load_failed(line: str, reason: str) -> None:
    assert why(f"{START.format(blob=A, cells=1, slots=1)}{line}\n") == reason
    assert why(f"{line}\n{START.format(blob=A, cells=1, slots=1)}later") == "", "of an earlier load"


def test_an_empty_log_says_nothing() -> None:
    assert (configured(""), launches(""), starts(""), why("")) == (None, {}, {}, "")
    assert configured('msg="server config" env="map[]"') == {}


@given(st.text(max_size=300), st.integers(0, 10**30), st.integers(-5, 10**30))
def test_no_text_breaks_the_reader(text: str, cells: int, slots: int) -> None:
    log = START.format(blob=A, cells=cells, slots=slots) + text
    assert launches(log)[A].parallel >= 1
    assert set(launches(text)) == set(starts(text))
    assert configured(text) is None or "server config" in text
    assert len(why(text)) <= 300
