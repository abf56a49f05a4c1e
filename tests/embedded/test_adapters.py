"""Edits of the model that the wheel's server holds: silent until a request names one, and planned for."""

from pathlib import Path
from typing import Any

import pytest
import requests

from fakes.adapters import adapter
from fakes.embedded import KEY, Running, engine_file, running
from fakes.smollm import smollm
from swarmctl.core.sharing.loaded import wrong
from swarmctl.core.sharing.rewriting import scales

pytestmark = pytest.mark.slow


def first(up: Running, **more: Any) -> dict[int, float]:
    """What would come first, with its log-probability."""
    body = {"prompt": "def first(", "n_predict": 1, "temperature": 0, "n_probs": 5, "cache_prompt": False, **more}
    said = requests.post(
        f"http://127.0.0.1:{up.settings.port}/completion",
        json=body,
        headers={"Authorization": f"Bearer {KEY}"},
        timeout=60,
    ).json()
    return {row["id"]: round(row["logprob"], 4) for row in said["completion_probabilities"][0]["top_logprobs"]}


def test_adapters_are_silent_until_a_request_names_one(tmp_path: Path) -> None:
    files = [tmp_path / "one.gguf", tmp_path / "two.gguf"]
    for seed, file in enumerate(files):
        adapter(file, seed)
    with running(tmp_path / "plain", engine_file(tmp_path / "plain", smollm())) as alone:
        base = first(alone)
    told = engine_file(tmp_path / "base", smollm(), adapters=tuple(map(str, files)))
    with running(tmp_path / "base", told) as up:
        url, head = f"http://127.0.0.1:{told.port}", {"Authorization": f"Bearer {KEY}"}
        listed = requests.get(f"{url}/lora-adapters", headers=head, timeout=10).json()
        assert wrong(listed, ("one.gguf", "two.gguf")) == []
        assert first(up) == base
        said = [first(up, lora=scales(which, 2), id_slot=0) for which in (None, 0, 1)]
    assert said[0] == base
    assert len({str(one) for one in said}) == 3
