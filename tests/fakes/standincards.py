"""Cards that a host does not have: files for the stand-in nvidia-smi, and a CDI specification that hands them out."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from swarmctl.core.hardware.match import wanted
from swarmctl.core.hardware.profile import HardwareProfile
from swarmctl.effects.hardware import profiles

FOLDER = "/etc/stand-in-cards"
SPECIFICATION = "/etc/cdi/nvidia.json"
TOOL = Path(__file__).with_name("nvidia-smi")
HOOK, SHADERS = "/usr/bin/warm-shaders", Path(__file__).with_name("warm-shaders")
_SOFTWARE_GPU = "GGML_VK_VISIBLE_DEVICES=0"


@dataclass(frozen=True, slots=True)
class StandIn:
    """One card. number: of its slot in the machine, which outlives the indices that nvidia-smi gives."""

    number: int
    uuid: str
    profile: HardwareProfile = field(repr=False)

    @property
    def file(self) -> str:
        """Where the host keeps it."""
        return f"{FOLDER}/{self.number}"

    def text(self, state: str = "here") -> str:
        """The file's lines. state: here, gone (not listed any more) or lost (fallen off the bus)."""
        facts = {
            "state": state,
            "name": self.profile.names.driver[0],
            "uuid": self.uuid,
            "memory.total": self.profile.memory,
            "compute_cap": self.profile.capability,
            "driver_version": "570.133.20",
            "pci.bus_id": f"00000000:{0x41 + self.number:02X}:00.0",
        }
        return "".join(f"{name}={value}\n" for name, value in facts.items())


def cards(word: str, count: int, host: str) -> list[StandIn]:
    """As many cards of a profile; two hosts have no card in common."""
    (first, *_) = wanted(profiles(), word).profiles
    return [StandIn(n, _uuid(f"{host} {n}"), first) for n in range(count)]


def specification(found: list[StandIn]) -> str:
    """What `nvidia-ctk cdi generate` writes for such cards: by index, by UUID, and all."""
    edits = {card.uuid: _edits(card, index) for index, card in enumerate(found)}
    devices = [{"name": str(n), "containerEdits": edits[card.uuid]} for n, card in enumerate(found)]
    devices += [{"name": name, "containerEdits": edit} for name, edit in edits.items()]
    if found:
        every = {key: [one for edit in edits.values() for one in edit[key]] for key in ("deviceNodes", "mounts", "env")}
        devices.append({"name": "all", "containerEdits": every})
    tool = {"hostPath": "/usr/bin/nvidia-smi", "containerPath": "/usr/bin/nvidia-smi", "options": ["ro", "bind"]}
    hook = {"hookName": "createContainer", "path": HOOK, "args": ["warm-shaders"]}
    env = ["NVIDIA_VISIBLE_DEVICES=void", _SOFTWARE_GPU, "MESA_SHADER_CACHE_DIR=/tmp/shaders"]
    common = {"env": env, "mounts": [tool], "hooks": [hook]}
    return json.dumps({"cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "containerEdits": common, "devices": devices})


def _edits(card: StandIn, index: int) -> dict[str, list[object]]:
    node = {"path": f"/dev/nvidia{index}", "hostPath": "/dev/null"}
    mount = {"hostPath": card.file, "containerPath": card.file, "options": ["ro", "bind"]}
    return {"deviceNodes": [node], "mounts": [mount], "env": [f"STAND_IN_CARD={card.uuid}"]}


def _uuid(text: str) -> str:
    digits = hashlib.sha256(text.encode()).hexdigest()
    return "GPU-" + "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))
