"""The market's own tools, unmodified, work against it: the command line and the SDK of the package `vastai`."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fakes.practice import KEY, KVM, Process, process

pytestmark = pytest.mark.slow
ESCAPE = "\x1b"


def _tool() -> Path:
    """SWARMCTL_VASTAI, the one beside this Python, or the one on the path."""
    beside = Path(sys.executable).with_name("vastai")
    found = os.environ.get("SWARMCTL_VASTAI") or (str(beside) if beside.exists() else shutil.which("vastai"))
    if not found:
        pytest.skip("no vastai here: pip install vastai, or SWARMCTL_VASTAI=/path/to/vastai")
    return Path(found)


class Oracle:
    """The tools, pointed at a market, with a home of their own."""

    def __init__(self, market: Process, home: Path) -> None:
        self.market, self.tool = market, _tool()
        folders = {f"XDG_{name}_HOME": str(home / name) for name in ("CONFIG", "CACHE", "STATE", "DATA")}
        self.env = {"PATH": os.environ["PATH"], "HOME": str(home), **folders, **market.env}

    def run(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        """`vastai …`."""
        argv = [str(self.tool), *words]
        return subprocess.run(
            argv, capture_output=True, text=True, timeout=60, env=self.env | env, check=False, stdin=subprocess.DEVNULL
        )

    def ok(self, *words: str) -> str:
        """What it prints; it must not complain."""
        done = self.run(*words)
        assert done.returncode == 0, done
        assert not done.stderr.strip(f"\n{ESCAPE}[K"), done
        return done.stdout

    def raw(self, *words: str) -> Any:
        """What it prints with `--raw`."""
        return json.loads(self.ok(*words, "--raw"))

    def sdk(self, script: str) -> Any:
        """What a script prints as JSON, in which `v` is the SDK's VastAI."""
        head = "import json, os\nfrom vastai import VastAI\n"
        head += "v = VastAI(api_key=os.environ['VAST_API_KEY'], server_url=os.environ['VAST_URL'])\n"
        argv = [str(self.tool.with_name("python")), "-c", head + script]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, env=self.env, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def running(self, id_: int) -> Any:
        """The instance once it runs."""
        for _ in range(60):
            row = self.raw("show", "instance", str(id_))
            if row["actual_status"] == "running":
                return row
            time.sleep(0.1)
        raise AssertionError(row)


@pytest.fixture
def oracle(tmp_path: Path) -> Iterator[Oracle]:
    with process("--limits", "off", "--pace", "0.005") as market:
        yield Oracle(market, tmp_path)


def test_the_command_line_searches_rents_labels_shows_lists_and_destroys(oracle: Oracle) -> None:
    query = "gpu_name=A100_PCIE num_gpus=1 vms_enabled=true dph<3 gpu_ram>=70 cuda_vers>=12.4"
    offers = oracle.raw("search", "offers", query, "-o", "dph_total", "--limit", "3", "--storage", "60")
    assert offers
    assert all(one["gpu_name"] == "A100 PCIE" and one["gpu_ram"] > 70_000 for one in offers)
    assert (
        oracle.raw("search", "offers", query, "-o", "dph_total", "--limit", "3", "--storage", "60", "--new")[0]["id"]
        == offers[0]["id"]
    )
    table = oracle.ok("search", "offers", "gpu_name in [RTX_4090,RTX_5090] geolocation in [US,CA]", "--limit", "2")
    assert "RTX_" in table
    assert oracle.raw("search", "offers", "num_gpus>=1", "--type", "bid", "--limit", "1")[0]["is_bid"] is True
    oracle.ok("create", "ssh-key", KEY)
    assert oracle.raw("show", "ssh-keys")[0]["public_key"] == KEY
    words = ("--image", KVM, "--disk", "60", "--label", "swarm/x", "--ssh", "--direct", "--cancel-unavail")
    rented = oracle.raw("create", "instance", str(offers[0]["id"]), *words, "--env", "-p 8000:8000 -e A=b")
    assert rented["success"] is True
    id_ = rented["new_contract"]
    row = oracle.running(id_)
    assert set(row["ports"]) == {"22/tcp", "8000/tcp"}
    assert row["extra_env"]["A"] == "b"
    assert oracle.ok("ssh-url", str(id_)).startswith("ssh://root@")
    oracle.ok("label", "instance", str(id_), "swarm/y")
    assert [(one["id"], one["label"]) for one in oracle.raw("show", "instances")] == [(id_, "swarm/y")]
    assert "swarm/y" in oracle.ok("show", "instances", "--no-color")
    assert oracle.raw("show", "instances", "--label", "swarm/x") == []
    oracle.ok("stop", "instance", str(id_))
    oracle.ok("start", "instance", str(id_))
    oracle.running(id_)
    assert "success, running" in oracle.ok("logs", str(id_))
    assert oracle.raw("show", "user")["credit"] <= 100
    charges = oracle.raw("show", "invoices-v1", "--charges")
    assert f"instance-{id_}" in json.dumps(charges)
    scoped = oracle.run("start", "instance", str(id_), VAST_API_KEY=rented["instance_api_key"])
    assert "starting instance" in scoped.stdout
    assert oracle.ok("destroy", "instance", str(id_), "-y", "--raw") == ""
    assert oracle.raw("show", "instances") == []


def test_the_sdk_does_the_same(oracle: Oracle) -> None:
    told = oracle.sdk(
        f"""
o = v.search_offers("gpu_name=A100_SXM4 num_gpus=2 vms_enabled=true", order="dph_total", limit=2, storage=60)
k = v.create_ssh_key({KEY!r})
more = dict(runtype="ssh", env={{"-p 11434:11434": "1"}}, cancel_unavail=True)
r = v.create_instance(o[0]["id"], image={KVM!r}, disk=60, label="swarm/z", **more)
i = r["new_contract"]
v.label_instance(i, "swarm/w")
shown, listed = v.show_instance(i), v.show_instances()
charges = v.show_invoices_v1(charges=True)
user = v.show_user()
key = v.create_api_key("reader", {{"api": {{"instance_read": {{}}, "misc": {{}}}}}})
keys = v.show_api_keys()
v.destroy_instance(i)
v.delete_ssh_key(k["key"]["id"])
print(json.dumps([len(o), shown["label"], [x["id"] for x in listed] == [i], charges["success"], user["credit"] > 99,
    [x["name"] for x in keys], v.show_instance(i), v.show_ssh_keys()]))
"""
    )
    assert told == [2, "swarm/w", True, True, True, ["account", "reader"], None, []]


def test_it_repeats_a_rent_after_a_reset_and_leaves_an_orphan_as_the_real_one_does(tmp_path: Path) -> None:
    """What made us write our own client can be seen here."""
    with process("--limits", "off", "--faults", "reset-after-accept:once") as market:
        oracle = Oracle(market, tmp_path)
        offer = oracle.raw("search", "offers", "gpu_name=RTX_4090 num_gpus=1 disk_space>60", "--limit", "1")[0]["id"]
        done = oracle.run(
            "create",
            "instance",
            str(offer),
            "--image",
            "ollama/ollama",
            "--disk",
            "60",
            "--ssh",
            "--cancel-unavail",
            "--raw",
        )
        assert done.returncode == 0
        assert "410" in done.stderr
        assert len(oracle.raw("show", "instances")) == 1


def test_its_errors_are_those_that_the_tools_know(tmp_path: Path) -> None:
    with process("--limits", "off") as market:
        oracle = Oracle(market, tmp_path)
        for words, status in (
            (("destroy", "instance", "5", "-y"), 404),
            (("create", "instance", "5", "--image", "x", "--disk", "9"), 404),
        ):
            done = oracle.run(*words, "--raw")
            assert (done.returncode, json.loads(done.stderr)["status_code"]) == (0, status), done
        done = oracle.run("show", "instances", "--raw", VAST_API_KEY="wrong")
        assert (done.returncode, json.loads(done.stderr)["status_code"]) == (0, 404)
    with process() as market:
        oracle = Oracle(market, tmp_path)
        done = oracle.sdk(
            "import requests\ncodes = []\nfor _ in range(2):\n  try: v.show_instances(); codes.append(200)\n"
            "  except requests.HTTPError as e: codes.append(e.response.status_code)\nprint(json.dumps(codes))"
        )
        assert done == [200, 429]
