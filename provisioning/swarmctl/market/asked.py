"""What a request for a rental holds, checked as the market checks it."""

import re
from dataclasses import dataclass

from swarmctl.market.call import Call
from swarmctl.market.offers import Offer
from swarmctl.market.wire import Refused, error

KVM = "docker.io/vastai/kvm:"
_IMAGE = re.compile(r"[\w.@:/-]+", re.ASCII)
_PORT = re.compile(r"-p (\d{1,5}:)?\d{1,5}(/tcp|/udp)?")
_CONTAINER, _VM = ("ssh", "jupyter", "args"), ("ssh",)


@dataclass(frozen=True, slots=True)
class Asked:
    """disk: GB. price: dollars an hour that are bid; None on demand. cancel: refuse rather than wait for the GPU."""

    image: str
    runtype: str
    vm: bool
    disk: float
    price: float | None
    label: str | None
    env: dict[str, str]
    onstart: str | None
    args: list[str]
    cancel: bool


def asked(call: Call, offer: Offer) -> Asked:
    """The request's body. Raises Refused for the first thing that is wrong."""
    image = call.text("image", 1024)
    if not image or not _IMAGE.fullmatch(image):
        raise _bad("image must name a Docker image")
    vm = _vm(call, offer, image)
    runtype = call.text("runtype", 200) or "ssh"
    if not runtype.startswith(_VM if vm else _CONTAINER):
        raise _bad(f"runtype {runtype[:40]} is not possible here")
    onstart, args = call.text("onstart", 4096), _args(call)
    if len(onstart or "") + sum(len(one) for one in args) > 4096:
        raise _bad("args and onstart are longer than 4096 characters")
    disk = call.number("disk", 8, 1e6)
    disk = 10.0 if disk is None else disk
    if disk > offer.facts["disk_space"]:
        raise _bad(f"disk is larger than the {offer.facts['disk_space']} GB of this offer")
    price = call.number("price", 0.001, 128, "invalid_price")
    label, cancel = call.text("label", 256), call.body.get("cancel_unavail") is True
    return Asked(image, runtype, vm, disk, price, label, _env(call), onstart, args, cancel)


def _vm(call: Call, offer: Offer, image: str) -> bool:
    world = call.world
    if not image.startswith(KVM):
        if call.body.get("vm") is True or image.startswith("vastai/kvm"):
            raise _bad(f"a VM's image is fully qualified: {KVM}TAG")
        return False
    if image.removeprefix(KVM) in {"", "latest"}:
        raise _bad("a VM's image needs a dated tag")
    if world.assume["vm-flag"] == "needed" and call.body.get("vm") is not True:
        raise _bad("a VM's image needs vm: true")
    if not offer.vm:
        raise _bad(f"machine {offer.machine} does not run VMs")
    if not world.ssh:
        raise error(400, "no_ssh_key_for_vm", "error 400/3467: a VM needs an ssh key in your account", ask_id=offer.id)
    return True


def _args(call: Call) -> list[str]:
    found = call.body.get("args")
    if found is None:
        text = call.text("args_str", 4096)
        return [text] if text else []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise _bad("args must be a list of texts")
    return found


def _env(call: Call) -> dict[str, str]:
    found = call.body.get("env") or {}
    if not isinstance(found, dict):
        raise _bad("env must be an object")
    env = {key: str(value) for key, value in found.items()}
    if any(len(value) > 256 for value in env.values()):
        raise _bad("invalid env arguments, a value is longer than 256 characters")
    if sum(len(key) + len(value) for key, value in env.items()) > 32768:
        raise _bad("invalid env arguments, total length > 32KB")
    ports = [key for key in env if key.startswith("-p")]
    if len(ports) > 64 or not all(_PORT.fullmatch(one) for one in ports):
        raise _bad("invalid env arguments, ports are given as -p 8000:8000, at most 64")
    return env


def _bad(what: str) -> Refused:
    return error(400, "invalid_args", f"error 400/3467: {what}")
