"""The embedded engine's process: it starts, says why it does not, and ends when told."""

import signal
import socket
import subprocess
from pathlib import Path

import pytest
import requests

from fakes.embedded import KEY, engine_file, running, start
from fakes.ggufs import Shape, write_model
from swarmctl.core.engine import EngineFile
from swarmctl.effects.clock import SystemClock, wait_until
from swarmctl.embedded.__main__ import main


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_model(tmp_path / "m.gguf", Shape())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_is_ready_then_ends_cleanly_when_told(number: signal.Signals, model: Path, tmp_path: Path) -> None:
    settings = engine_file(tmp_path, model)
    with running(tmp_path, settings) as up:
        said = lambda: "ready: model 'coder' at http://127.0.0.1:" in up.log.read_text()  # noqa: E731
        wait_until(said, clock=SystemClock(), deadline=10)
        up.process.send_signal(number)
        assert up.process.wait(5) == 0
        assert up.log.read_text().endswith(f"ended by {number.name}\n")


@pytest.mark.slow
def test_it_ends_in_the_middle_of_an_answer(model: Path, tmp_path: Path) -> None:
    settings = engine_file(tmp_path, model, context=8192)
    with running(tmp_path, settings) as up:
        body = {"prompt": "x", "n_predict": 8000, "ignore_eos": True, "stream": True}
        url = f"http://127.0.0.1:{settings.port}/completion"
        headers = {"Authorization": f"Bearer {KEY}"}
        with requests.post(url, json=body, headers=headers, stream=True, timeout=30) as answer:
            next(answer.iter_lines())
            up.process.terminate()
            assert up.process.wait(5) == 0


@pytest.mark.slow
def test_it_can_be_ended_while_it_loads(tmp_path: Path) -> None:
    model = write_model(tmp_path / "m.gguf", Shape("qwen2", 2, 256, 512, 4, 2, None, 150_000))
    process, log = start(tmp_path, engine_file(tmp_path, model))
    loading = lambda: "loading model" in log.read_text()  # noqa: E731
    wait_until(loading, clock=SystemClock(), deadline=20)
    process.terminate()
    assert process.wait(5) in {0, -signal.SIGTERM}


@pytest.mark.slow
def test_a_taken_port_is_one_clear_line(model: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process, log = start(tmp_path, engine_file(tmp_path, model, port=port))
        assert process.wait(20) == 1
    assert log.read_text() == f"swarmctl.embedded: port {port} on 127.0.0.1 is taken by another program\n"


@pytest.mark.slow
@pytest.mark.parametrize("content", [None, b"GGUF" + bytes(90)], ids=["absent", "broken"])
def test_a_model_that_cannot_load_ends_with_one_clear_line(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "bad.gguf"
    if content:
        path.write_bytes(content)
    process, log = start(tmp_path, engine_file(tmp_path, path))
    assert process.wait(20) == 1
    ours = [line for line in log.read_text().splitlines() if "swarmctl.embedded" in line]
    assert len(ours) == 1
    assert ours[0].startswith(f"swarmctl.embedded: model 'coder' cannot be served from {path}: ")
    assert "Traceback" not in log.read_text()


def test_wrong_settings_are_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str], model: Path) -> None:
    settings = engine_file(tmp_path, model)
    file = tmp_path / "e.json"

    def said(text: str) -> str:
        file.write_text(text)
        assert main([str(file)]) == 1
        err = capfd.readouterr().err
        assert err.startswith("swarmctl.embedded: ")
        assert err.count("\n") == 1
        return err

    assert "contxt" in said(settings.model_dump_json().replace("context", "contxt"))
    assert "Invalid JSON" in said("{")
    key = Path(settings.key_file)
    key.chmod(0o640)
    assert f"chmod 600 {key}" in said(settings.model_dump_json())
    key.chmod(0o600)
    key.write_text("\n")
    assert "is empty" in said(settings.model_dump_json())
    key.unlink()
    assert "No such file" in said(settings.model_dump_json())
    assert main([]) == 1
    assert main([str(tmp_path / "absent.json")]) == 1


def test_every_value_reaches_the_server(tmp_path: Path, model: Path) -> None:
    import xllamacpp

    from swarmctl.embedded.params import parameters

    settings: EngineFile = engine_file(
        tmp_path, model, context=1000, parallel=3, kv="q4_0", threads=5, cache_ram=77, keep_alive=90, gpu_layers=-1
    )
    p = parameters(settings, "k")
    assert (p.n_ctx, p.n_parallel, p.kv_unified, p.ctx_shift, p.fit_params) == (3072, 3, False, False, False)
    assert p.cache_type_k == p.cache_type_v == xllamacpp.ggml_type.GGML_TYPE_Q4_0
    assert p.flash_attn_type == xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_ENABLED
    assert (p.cpuparams.n_threads, p.cpuparams_batch.n_threads, p.n_threads_http) == (5, 5, 7)
    assert (p.cache_ram_mib, p.cache_idle_slots, p.sleep_idle_seconds, p.n_gpu_layers) == (77, True, 90, 999)
    assert (p.n_batch, p.n_ubatch, p.no_extra_bufts, p.offline, p.ui) == (512, 512, True, True, False)
    assert (p.endpoint_slots, p.endpoint_metrics, p.endpoint_props) == (True, True, False)
    assert (list(p.hostnames), p.port, set(p.model_alias)) == (["127.0.0.1"], settings.port, {"coder"})
    assert set(p.api_keys) == {"k"}
    off = parameters(settings.model_copy(update={"flash_attention": False, "gpu_layers": 0}), "k")
    assert off.flash_attn_type == xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    assert off.n_gpu_layers == 0


@pytest.mark.slow
def test_an_idle_model_sleeps_and_wakes(model: Path, tmp_path: Path) -> None:
    with running(tmp_path, engine_file(tmp_path, model, keep_alive=1)) as up:
        url, headers = f"http://127.0.0.1:{up.settings.port}", {"Authorization": f"Bearer {KEY}"}

        def asleep() -> bool:
            return bool(requests.get(f"{url}/props", headers=headers, timeout=5).json()["is_sleeping"])

        wait_until(asleep, clock=SystemClock(), deadline=15, every=0.2)
        body = {"prompt": "x", "n_predict": 2, "ignore_eos": True}
        assert requests.post(f"{url}/completion", json=body, headers=headers, timeout=30).status_code == 200


def test_the_package_needs_no_wheel_to_say_that_it_is_missing(tmp_path: Path, model: Path) -> None:
    """In an interpreter without the wheel: a sentence with the command, no traceback."""
    import sys

    settings = engine_file(tmp_path, model)
    (tmp_path / "e.json").write_text(settings.model_dump_json())
    hide = "import sys; sys.modules['xllamacpp'] = None; from swarmctl.embedded.__main__ import main; "
    hide += "sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", hide, str(tmp_path / "e.json")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "pip install 'swarmctl[embedded]'" in done.stderr
    assert "Traceback" not in done.stderr
