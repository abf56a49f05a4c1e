"""The figures that `convert` closes with are those of what it wrote: table, JSON and picture, read back from disk."""

import hashlib
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from gguf import GGUFReader

from fakes import tinymodels
from fakes.grounded import stands

pytestmark = [pytest.mark.ground, pytest.mark.slow]
QUANTS = ("Q8_0", "Q4_K_M")


def swarmctl(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    homes = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("STATE", "DATA")}
    argv = [sys.executable, "-m", "swarmctl", "convert", *words]
    done = subprocess.run(
        argv, env={**os.environ, **homes, "NO_COLOR": "1"}, cwd=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done


def test_the_closing_table_and_the_picture_say_what_lies_on_the_disk(tmp_path: Path) -> None:
    stands("engine", "forky")
    source, picture = tinymodels.make(tmp_path / "coder", "Qwen2ForCausalLM"), tmp_path / "cost.svg"
    asked = [str(source), "--quant", ",".join(QUANTS)]
    lines = swarmctl(tmp_path, *asked, "--plot", str(picture), "--json").stdout.splitlines()
    said = json.loads(lines[-1])
    store = tmp_path / "data" / "swarmctl" / "models"
    assert {row["quant"] for row in said["results"]} == set(QUANTS)
    for row in said["results"]:
        _true(row, store)
    events = [json.loads(line) for line in lines[:-1]]
    steps = [event for event in events if event["event"] == "end"]
    assert sum(event["seconds"] for event in steps if event["step"] == "convert") <= said["seconds"]
    assert said["peak"] >= sum(row["bytes"] for row in said["results"])
    _drawn(picture, said["results"])

    table = [line.split() for line in swarmctl(tmp_path, *asked).stdout.splitlines()]
    told = {words[1]: words for words in table if words and words[0] == "coder"}
    for row in said["results"]:
        name, _, megabytes, bits, divergence, proved, _, digest = told[row["quant"]]
        assert (name, proved, digest) == ("coder", "yes", row["sha256"][:12])
        assert int(megabytes) == round(row["bytes"] / 1e6)
        assert float(bits) == pytest.approx(row["bits"], abs=0.006)
        assert float(divergence) == pytest.approx(row["kl"], rel=0.05)


def _true(row: dict[str, Any], store: Path) -> None:
    """Size, hash, bits a weight and distance, from the file itself and from its certificate."""
    file = store / "blobs" / f"sha256-{row['sha256']}"
    data = file.read_bytes()
    assert hashlib.sha256(data).hexdigest() == row["sha256"]
    assert len(data) == row["bytes"]
    weights = sum(int(tensor.n_elements) for tensor in GGUFReader(file).tensors)
    assert row["bits"] == pytest.approx(8 * len(data) / weights, abs=0.001)
    proof = json.loads((store / "certificates" / f"{row['sha256']}.json").read_text())
    assert row["kl"] == proof["quants"][row["quant"]]["kl"]
    assert row["certified"]


def _drawn(picture: Path, rows: list[dict[str, Any]]) -> None:
    """Each result is a point that carries its figures, the smaller file further left and further from the original."""
    dots = {}
    for element in ET.fromstring(picture.read_text(encoding="utf-8")).iter():
        if element.tag.endswith("circle"):
            text = "".join(element.itertext()).strip()
            dots[text.partition(":")[0]] = (text, float(element.attrib["cx"]), float(element.attrib["cy"]))
    assert dots.keys() == set(QUANTS)
    for row in rows:
        assert dots[row["quant"]][0] == f"{row['quant']}: {row['bytes'] / 1e6:,.0f} MB, KL {row['kl']:.3g}"
    by_size = [dots[row["quant"]][1] for row in sorted(rows, key=lambda row: row["bytes"])]
    by_kl = [dots[row["quant"]][2] for row in sorted(rows, key=lambda row: -row["kl"])]
    assert by_size == sorted(by_size)
    assert by_kl == sorted(by_kl)
