"""Cards that a guest does not have: what the stand-in nvidia-smi reads, and a CDI specification that hands them out."""

import json
import uuid

from swarmctl.market.hosts.guest import Guest

FOLDER = "/etc/stand-in-cards"
SPECIFICATION = "/etc/cdi/nvidia.json"
TOOL = "/usr/bin/nvidia-smi"
HOOK = "/usr/bin/warm-shaders"
"""Run before a container with a card starts, where an overlay brings it."""
_NAMES = {
    "RTX 6000Ada": "NVIDIA RTX 6000 Ada Generation",
    "RTX PRO 6000 WS": "NVIDIA RTX PRO 6000 Blackwell Workstation Edition",
    "H100 PCIE": "NVIDIA H100 PCIe",
    "H100 SXM": "NVIDIA H100 80GB HBM3",
}


def driver_name(card: str, memory: int) -> str:
    """What nvidia-smi calls a card that the market calls so. memory: MiB."""
    size = 80 if memory > 48000 else 40
    if card == "A100 SXM4":
        return f"NVIDIA A100-SXM4-{size}GB"
    if card == "A100 PCIE":
        return "NVIDIA A100 80GB PCIe" if size == 80 else "NVIDIA A100-PCIE-40GB"
    if card == "Tesla V100":
        return f"Tesla V100-SXM2-{round(memory / 1024)}GB"
    if card.startswith("Tesla"):
        return card
    consumer = card.startswith("RTX ") and card[4:5] in {"3", "4", "5"}
    return _NAMES.get(card) or f"NVIDIA {'GeForce ' if consumer else ''}{card}"


def files(guest: Guest, *, hook: bool) -> dict[str, str]:
    """Texts by path: each card's facts and the specification. hook: whether there is one to run."""
    ids = [f"GPU-{uuid.uuid5(uuid.NAMESPACE_OID, f'{guest.id} {n}')}" for n in range(guest.cards)]
    told = {f"{FOLDER}/{n}": _facts(guest, n, one) for n, one in enumerate(ids)}
    return {**told, SPECIFICATION: specification(ids, hook=hook)}


def specification(ids: list[str], *, hook: bool) -> str:
    """What `nvidia-ctk cdi generate` writes for such cards: by index, by UUID, and all."""
    edits = [_edits(n, one) for n, one in enumerate(ids)]
    devices = [{"name": str(n), "containerEdits": edit} for n, edit in enumerate(edits)]
    devices += [{"name": one, "containerEdits": edit} for one, edit in zip(ids, edits, strict=True)]
    every = {key: [one for edit in edits for one in edit[key]] for key in ("deviceNodes", "mounts", "env")}
    devices.append({"name": "all", "containerEdits": every})
    tool = {"hostPath": TOOL, "containerPath": TOOL, "options": ["ro", "bind"]}
    env = ["NVIDIA_VISIBLE_DEVICES=void", "GGML_VK_VISIBLE_DEVICES=0", "MESA_SHADER_CACHE_DIR=/tmp/shaders"]
    common: dict[str, object] = {"env": env, "mounts": [tool]}
    if hook:
        common["hooks"] = [{"hookName": "createContainer", "path": HOOK, "args": ["warm-shaders"]}]
    return json.dumps({"cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "containerEdits": common, "devices": devices})


def _edits(number: int, one: str) -> dict[str, list[object]]:
    file = f"{FOLDER}/{number}"
    node = {"path": f"/dev/nvidia{number}", "hostPath": "/dev/null"}
    mount = {"hostPath": file, "containerPath": file, "options": ["ro", "bind"]}
    return {"deviceNodes": [node], "mounts": [mount], "env": [f"STAND_IN_CARD={one}"]}


def _facts(guest: Guest, number: int, one: str) -> str:
    facts = {
        "state": "here",
        "name": driver_name(guest.card, guest.memory),
        "uuid": one,
        "memory.total": guest.memory,
        "compute_cap": f"{guest.capability // 100}.{guest.capability % 100 // 10}",
        "driver_version": guest.driver,
        "pci.bus_id": f"00000000:{0x41 + number:02X}:00.0",
    }
    return "".join(f"{name}={value}\n" for name, value in facts.items())
