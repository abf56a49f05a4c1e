"""Cases are files: a swarm and a machine in, one Compose file a card out; Compose itself takes each of them."""

import copy
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fakes.stacked import CASES, apart, files, site, stacked
from swarmctl.core.compose import client_environment, parsed, render
from swarmctl.core.composecheck import check
from swarmctl.effects.templates import stack_templates
from swarmctl.errors import SpecError, SwarmctlError

WRITE = os.environ.get("SWARMCTL_GOLDEN") == "write"
ONE = next(case for case in CASES if case.name == "one-gpu")
SHARED = next(case for case in CASES if case.name == "shared-base")


@cache
def rendered(case: Path) -> dict[str, str]:
    return files(case)


@cache
def compose() -> str:
    """Empty where `docker compose` works; else why not. It needs no daemon to read a file."""
    if shutil.which("docker") is None:
        return "no docker on the path"
    done = subprocess.run(["docker", "compose", "version"], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"docker compose: {done.stderr.strip()[:80]}"


@pytest.mark.parametrize("case", CASES, ids=lambda p: p.name)
def test_the_files_are_the_golden_ones(case: Path) -> None:
    for gpu, text in rendered(case).items():
        golden = case / f"{gpu}.compose.yml"
        if WRITE:
            golden.write_text(text)
        assert golden.read_text() == text, "make golden, then review the diff"
    assert {p.name for p in case.glob("*.compose.yml")} == {f"{gpu}.compose.yml" for gpu in rendered(case)}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda p: p.name)
def test_compose_itself_takes_the_files(case: Path) -> None:
    if compose():
        pytest.skip(compose())
    for golden in sorted(case.glob("*.compose.yml")):
        argv = ["docker", "compose", "-f", golden, "config", "--format", "json"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr == "", "not even a warning"
        assert f'"name": "{parsed(golden.read_text())["name"]}"' in done.stdout


@pytest.mark.parametrize("case", CASES, ids=lambda p: p.name)
def test_the_same_stack_gives_the_same_bytes(case: Path) -> None:
    assert files(case) == rendered(case)


def test_what_the_cases_are_there_for() -> None:
    gpus = {case.name: sorted(rendered(case)) for case in CASES}
    assert gpus == {
        "cpu-only": ["cpu"],
        "four-gpus": ["gpu0", "gpu1", "gpu2", "gpu3"],
        "mixed": ["cpu", "gpu0"],
        "old-engine": ["gpu0"],
        "one-gpu": ["gpu0"],
        "shared-base": ["gpu0"],
        "two-gpus": ["gpu0", "gpu1"],
    }


def test_a_gpu_is_asked_for_in_the_form_that_the_engine_takes() -> None:
    def devices(case: str, gpu: str, service: str) -> Any:
        file = parsed(rendered(ONE.parent / case)[gpu])
        return file["services"][service]["deploy"]["resources"]["reservations"]["devices"]

    cdi = {"driver": "cdi", "device_ids": ["nvidia.com/gpu=1"], "capabilities": ["gpu"]}
    assert devices("two-gpus", "gpu1", "ollama-gpu1") == [cdi]
    assert devices("old-engine", "gpu0", "ollama-gpu0") == [
        {"driver": "nvidia", "device_ids": ["0"], "capabilities": ["gpu"]}
    ]
    mixed = parsed(rendered(ONE.parent / "mixed")["cpu"])["services"]
    assert "deploy" not in mixed["engine-lead"]
    assert mixed["engine-lead"]["entrypoint"] == ["llama-server"]


def test_stacks_of_a_host_share_one_network_and_one_volume() -> None:
    first, second = (parsed(text) for text in rendered(ONE.parent / "two-gpus").values())
    for kind, key in (("networks", "agents"), ("volumes", "models")):
        assert first[kind][key]["name"] == second[kind][key]["name"]
        assert "external" not in first[kind][key]
        assert second[kind][key]["external"] is True


def test_adapters_of_a_shared_base_are_loaded_and_scaled_to_nothing() -> None:
    argv = parsed(rendered(SHARED)["gpu0"])["services"]["engine-coder"]["command"]
    scaled = argv[argv.index("--lora-scaled") + 1].split(",")
    assert len(scaled) == 5
    assert all(one.endswith(":0.0") for one in scaled)
    assert argv[argv.index("--parallel") + 1] == "6"
    assert argv[argv.index("--cache-ram") + 1] == "0", "it would hand prompts to other adapters"


def test_the_gateway_is_as_hard_as_an_agent_and_has_the_engines_key_alone() -> None:
    services = parsed(rendered(SHARED)["gpu0"])["services"]
    gateway, agent = services["gateway-gpu0"], services["agent-docs"]
    same = ("image", "user", "read_only", "cap_drop", "security_opt", "networks", "dns", "environment", "init")
    assert {key: gateway[key] for key in same} == {key: agent[key] for key in same}
    assert [one["target"] for one in gateway["secrets"]] == ["engine.key"]
    assert "volumes" not in gateway
    assert list(agent["depends_on"]) == ["gateway-gpu0"]
    assert "gateway-gpu0:8080" in " ".join(services["forwarder-gpu0"]["command"])


@pytest.mark.parametrize("name", sorted(stack_templates()))
def test_a_template_that_names_what_there_is_not_fails(name: str) -> None:
    templates = stack_templates()
    templates[name] += "{{ service.nothing_of_the_kind }}{{ nothing_of_the_kind }}\n"
    case = SHARED if name in {"llamacpp.yml.j2", "gateway.yml.j2"} else ONE
    found = apart(case) if name == "relay.yml.j2" else stacked(case)
    with pytest.raises(SwarmctlError, match=r"nothing_of_the_kind|'service' is undefined"):
        render(found[0], site(case, found, templates))


def test_a_template_that_says_a_thing_twice_fails() -> None:
    templates = stack_templates()
    templates["common.yml.j2"] += "    read_only: true\n"
    found = stacked(ONE)
    with pytest.raises(SwarmctlError, match="cannot be read"):
        render(found[0], site(ONE, found, templates))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("    read_only: true\n", "read_only is None"),
        ("    cap_drop: [ALL]\n", "cap_drop is None"),
        ('    security_opt: ["no-new-privileges:true"]\n', "security_opt is None"),
        ("      {{ name }}: {{ value | word }}\n", "its labels are not those of the stack"),
        ("    user: {{ user | word }}\n", "user is None"),
        ("    pids_limit: {{ service.pids }}\n", "pids_limit is None"),
        ("    mem_limit: {{ service.memory }}m\n", "mem_limit is None"),
        ("    init: true\n", "init is None"),
        ("      {{ name }}: {{ value | word }}\n", "TZ would come from outside"),
    ],
)
def test_a_template_that_loses_a_wall_fails(line: str, said: str) -> None:
    templates = stack_templates()
    assert line in templates["common.yml.j2"]
    templates["common.yml.j2"] = templates["common.yml.j2"].replace(line, "")
    found = stacked(ONE)
    with pytest.raises(SwarmctlError, match="would not be sealed") as caught:
        render(found[0], site(ONE, found, templates))
    assert f"agent-backend: {said}" in caught.value.detail


def _set(service: str, key: str, value: Any) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        file["services"][service][key] = value

    return change


def _net(key: str, value: Any) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        file["networks"]["agents"][key] = value

    return change


def _drop(kind: str, name: str) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        del file[kind][name]["labels"]

    return change


def _env(name: str, value: Any) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        file["services"]["agent-backend"]["environment"][name] = value

    return change


def _alone(name: str) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        del file["services"][name]

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_set("agent-backend", "privileged", True), "agent-backend: privileged is set"),
        (_set("agent-backend", "network_mode", "host"), "agent-backend: network_mode is set"),
        (_set("agent-backend", "user", "0:0"), "agent-backend: user is '0:0'"),
        (_set("agent-backend", "image", "swarmctl/agent:latest"), "image is"),
        (_set("agent-backend", "image", "swarmctl/agent"), "image is"),
        (_set("agent-backend", "networks", ["agents", "door"]), "it stands on"),
        (_set("agent-backend", "ports", ["127.0.0.1:1:1"]), "only the forwarder publishes"),
        (_set("agent-backend", "volumes", ["/var/run/docker.sock:/data"]), "is none of ours"),
        (_set("agent-backend", "volumes", ["data-backend:/data", "/:/host"]), "is none of ours"),
        (_set("agent-backend", "tmpfs", ["/tmp"]), "tmpfs is"),
        (_set("agent-backend", "healthcheck", {}), "it has no healthcheck"),
        (_set("agent-backend", "dns", None), "it may ask a resolver outside"),
        (_set("agent-backend", "logging", {"driver": "json-file"}), "logging is"),
        (_set("agent-backend", "env_file", [".env"]), "env_file is set"),
        (_set("agent-backend", "deploy", {"resources": {"reservations": {"devices": [{}]}}}), "asks for the devices"),
        (_set("ollama-gpu0", "deploy", {}), "asks for the devices []"),
        (_set("ollama-gpu0", "command", ["serve", "$HOME"]), "has a single $"),
        (_set("forwarder-gpu0", "ports", ["21000:21000"]), "is not on loopback alone"),
        (_set("forwarder-gpu0", "ports", ["0.0.0.0:21000:21000"]), "is not on loopback alone"),
        (_env("ENGINE_KEY", "abc"), "looks like a secret"),
        (_env("GITHUB_TOKEN", "abc"), "looks like a secret"),
        (_env("EDITOR", None), "taken from whoever runs this"),
        (_env("HTTP_PROXY", "http://proxy:3128"), "HTTP_PROXY would come from outside"),
        (_net("internal", False), "it has a way out"),
        (_net("external", True), "made elsewhere"),
        (_drop("networks", "agents"), "networks.agents: no label swarm"),
        (_drop("networks", "door"), "networks.door: no label"),
        (_drop("volumes", "models"), "volumes.models: no label"),
        (_alone("agent-docs"), "agent-docs: in the stack alone"),
        (lambda file: file.update(name="other"), "the project is called"),
        (lambda file: file["secrets"]["engine-key"].update(environment="KEY"), "secrets.engine-key: not a file"),
        (lambda file: file["services"].update(spy={}), "spy: in the file alone"),
    ],
)
def test_the_checker_finds_every_hole(change: Callable[[Any], None], said: str) -> None:
    (stack,) = stacked(ONE)
    host, file = site(ONE, (stack,)), parsed(rendered(ONE)["gpu0"])
    assert check(file, stack, host) == []
    broken = copy.deepcopy(file)
    change(broken)
    assert any(said in problem for problem in check(broken, stack, host)), check(broken, stack, host)


def test_a_value_of_the_user_is_never_replaced_by_compose() -> None:
    (stack,) = stacked(ONE)
    host = replace(site(ONE, (stack,)), root='/srv/$HOME/"${PATH}', models="/srv/a: b#c\n")
    file = parsed(render(stack, host))
    assert file["secrets"]["engine-key"]["file"] == '/srv/$$HOME/"$${PATH}/secrets/engine.key'
    assert file["volumes"]["models"]["driver_opts"]["device"] == "/srv/a: b#c\n"


def test_what_is_missing_is_said() -> None:
    (stack,) = stacked(SHARED)
    with pytest.raises(SpecError, match="no file is known for hf:"):
        render(stack, replace(site(SHARED, (stack,)), files={}))
    with pytest.raises(SpecError, match="no port was given to engine-lead"):
        render(stack, replace(site(SHARED, (stack,)), ports={}))


def test_nothing_of_the_shell_changes_what_a_file_says() -> None:
    shell = {
        "PATH": "/bin", "HOME": "/root", "COMPOSE_PROJECT_NAME": "x", "COMPOSE_FILE": "y",
        "COMPOSE_PROFILES": "convert",
        "DOCKER_DEFAULT_PLATFORM": "linux/arm64", "DOCKER_HOST": "unix:///run/docker.sock", "TZ": "Asia/Tokyo",
    }  # fmt: skip
    assert client_environment(shell).keys() == {"PATH", "HOME", "DOCKER_HOST", "TZ"}
    asked = client_environment(shell, frozenset({"COMPOSE_PROFILES"}))
    assert asked["COMPOSE_PROFILES"] == "convert"
