"""How the tools are started: sealed in a container, or those of this machine."""

import itertools
import sys
from pathlib import Path

import pytest

from swarmctl.effects.converting.tools import InContainer, OnThisMachine, tools
from swarmctl.errors import HostError


def _pairs(argv: list[str]) -> set[tuple[str, str]]:
    return set(itertools.pairwise(argv))


def test_the_container_has_no_network_no_rights_and_only_what_a_conversion_reads(tmp_path: Path) -> None:
    box = InContainer("sha256:x")
    place = box.lay(tmp_path, "My-Model", {"config.json": tmp_path / "config.json"})
    argv = box.argv(tmp_path, 4000)
    assert place == "/in/0/My-Model"
    walls = {
        ("--network", "none"), ("--cap-drop", "ALL"), ("--security-opt", "no-new-privileges"), ("--memory", "4000m"),
        ("--memory-swap", "4000m"),
    }  # fmt: skip
    assert walls <= _pairs(argv)
    assert {"--rm", "--read-only", "--interactive"} <= set(argv)
    mounts = [words for flag, words in itertools.pairwise(argv) if flag == "--mount"]
    assert [mount for mount in mounts if not mount.endswith(",readonly")] == [
        f"type=bind,source={tmp_path},target=/work"
    ]
    assert f"type=bind,source={tmp_path}/config.json,target=/in/0/My-Model/config.json,readonly" in mounts


def test_a_link_is_shown_as_the_file_that_it_means(tmp_path: Path) -> None:
    (tmp_path / "blob").write_text("x")
    (tmp_path / "model.safetensors").symlink_to(tmp_path / "blob")
    box = InContainer("x")
    box.lay(tmp_path, "m", {"model.safetensors": tmp_path / "model.safetensors"})
    assert any(f"source={tmp_path}/blob," in word for word in box.argv(tmp_path, 1))


@pytest.mark.parametrize("name", ["with,comma", 'with"quote', "with space", "with:colon"])
def test_odd_names_do_not_change_a_mount(tmp_path: Path, name: str) -> None:
    import csv

    box = InContainer("x")
    box.lay(tmp_path, name, {"a": tmp_path / name})
    mount = [word for word in box.argv(tmp_path, 1) if "/in/0/" in word]
    (fields,) = csv.reader(mount)
    assert fields == ["type=bind", f"source={tmp_path / name}", f"target=/in/0/{name}/a", "readonly"]


def test_secrets_do_not_reach_the_tools_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s")
    monkeypatch.setenv("HARMLESS", "1")
    found = OnThisMachine("s", "v", "p").environment()
    assert "HF_TOKEN" not in found
    assert "AWS_SECRET_ACCESS_KEY" not in found
    assert found["HARMLESS"] == "1"
    assert found["HF_HUB_OFFLINE"] == "1"


def test_a_folder_of_links_holds_only_what_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    box = OnThisMachine("s", "v", "p")
    place = Path(box.lay(tmp_path, "Model", {"a.json": tmp_path / "a.json"}))
    assert [path.name for path in place.iterdir()] == ["a.json"]
    box.away()
    assert not place.exists()
    assert (tmp_path / "a.json").exists()


def test_without_docker_and_without_tools_it_says_what_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(HostError):
        tools()
    monkeypatch.setattr("swarmctl.effects.converting.tools.engine_is_near", lambda: False)
    with pytest.raises(HostError, match="nothing to convert with") as caught:
        tools()
    assert "llama-quantize" in caught.value.detail


def test_tools_of_this_machine_are_told_apart_by_their_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("convert_hf_to_gguf.py", "llama-quantize"):
        (tmp_path / name).write_text(f"#!{sys.executable}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    first = tools(ask_engine=False)
    assert isinstance(first, OnThisMachine)
    assert first.python == sys.executable
    (tmp_path / "llama-quantize").write_text("another build")
    assert tools(ask_engine=False).version != first.version
