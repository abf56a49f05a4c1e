"""Every bad source ends with a clear letter: what is wrong with it and what to do; nothing is kept of it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from effects.converting.test_looking import CONFIG, make
from fakes.modelhub import ModelHub

OURS = str(Path(sys.executable).parent / "swarmctl")
Break = Callable[[Path], None]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("convert_hf_to_gguf", "llama-quantize"):
        (tools / name).write_text(f"#!{sys.executable}\nraise SystemExit('nothing comes so far')\n")
        (tools / name).chmod(0o755)
    homes = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("STATE", "DATA", "CACHE")}
    there = {"DOCKER_HOST": f"unix://{tmp_path}/nobody.sock", "PATH": f"{tools}:{os.environ['PATH']}"}
    return {**os.environ, **homes, **there, "HF_HOME": str(tmp_path / "hf"), "HF_TOKEN": "", "NO_COLOR": "1"}


def _refused(environment: dict[str, str], source: str, code: int, said: tuple[str, ...]) -> None:
    done = subprocess.run(
        [OURS, "convert", source, "--quant", "Q8_0"], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    for part in said:
        assert part in done.stderr
    assert "Traceback" not in done.stderr
    assert "next:" in done.stderr
    models = Path(environment["XDG_DATA_HOME"]) / "swarmctl" / "models"
    assert not (models / "blobs").exists()
    assert not (models / "conversions").exists()
    assert not list((models / "incoming").rglob("*.gguf"))


def _shards(folder: Path) -> None:
    for path in (*folder.iterdir(),):
        path.unlink()
    folder.rmdir()
    make(folder, shards=2)
    (folder / "model-00002-of-00002.safetensors").unlink()


def _truncated(folder: Path) -> None:
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-9])


def _pickle(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _trick(folder: Path) -> None:
    listed = {"weight_map": {"a": "../../etc/passwd", "b": "model.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(listed))


def _code(folder: Path) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps({"auto_map": {"AutoTokenizer": ["x.T", None]}}))


def _nobodys(folder: Path) -> None:
    (folder / "config.json").write_text(json.dumps(CONFIG | {"architectures": ["Nobodys"]}))


def _write(name: str, text: bytes) -> Break:
    def breaks(folder: Path) -> None:
        (folder / name).write_bytes(text)

    return breaks


@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        (_shards, ("missing: model-00002-of-00002.safetensors", "fetch the folder again")),
        (_truncated, ("its header promises",)),
        (_write("config.json", b"{ no"), ("config.json is missing or is no JSON mapping",)),
        (_write("config.json", b"[" * 100_000), ("config.json is missing or is no JSON mapping",)),
        (_write("model.safetensors", b""), ("model.safetensors is empty",)),
        (_write("tokenizer.json", b""), ("tokenizer.json is empty",)),
        (_pickle, ("pickle files, which run code", "published as safetensors")),
        (_trick, ("../../etc/passwd leads out of the folder",)),
        (_code, ("its tokenizer is a program of the repository", "--trust-remote-code")),
        (_nobodys, ("cannot convert Nobodys",)),
    ],
)  # fmt: skip
def test_a_bad_folder_is_refused(environment: dict[str, str], tmp_path: Path, breaks: Break, said: tuple[str]) -> None:
    folder = make(tmp_path / "coder")
    breaks(folder)
    _refused(environment, str(folder), 3, said)


@pytest.fixture
def hub(tmp_path: Path, environment: dict[str, str]) -> Iterator[ModelHub]:
    pytest.importorskip("huggingface_hub", reason="needs huggingface_hub: pip install 'swarmctl[convert]'")
    with ModelHub() as found:
        environment["HF_ENDPOINT"] = found.url
        folder = make(tmp_path / "published")
        found.repositories["me/Coder"] = {path.name: path.read_bytes() for path in folder.iterdir()}
        yield found


def test_terms_that_must_be_accepted_are_said_with_the_place(environment: dict[str, str], hub: ModelHub) -> None:
    hub.gated.add("me/Coder")
    _refused(environment, "me/Coder", 6, ("terms that must be accepted first", f"{hub.url}/me/Coder"))


def test_a_download_that_is_not_what_its_hash_says_is_refused(environment: dict[str, str], hub: ModelHub) -> None:
    hub.wrong.add("model.safetensors")
    _refused(environment, "me/Coder", 6, ("came damaged",))


def test_a_repository_whose_file_names_lead_out_of_it_is_refused(environment: dict[str, str], hub: ModelHub) -> None:
    hub.repositories["me/Coder"]["../../.bashrc"] = b"x"
    _refused(environment, "me/Coder", 3, ("names lead out of its folder",))


def test_a_repository_that_is_a_program_is_refused(environment: dict[str, str], hub: ModelHub) -> None:
    said = json.dumps({"auto_map": {"AutoTokenizer": ["x.T", None]}}).encode()
    hub.repositories["me/Coder"]["tokenizer_config.json"] = said
    _refused(environment, "me/Coder", 3, ("--trust-remote-code",))
    assert not any("model.safetensors" in path and path.startswith("GET") for path in hub.seen)
