"""What is asked of the market when a machine is rented."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from swarmctl.core.leasing.label import MARK, Label
from swarmctl.errors import SpecError

VM_IMAGE = "docker.io/vastai/kvm:cuda-12.4.1-auto"
"""A guest with NVIDIA's driver; one report says that the plain guests of the same name have none."""

CONTAINER_IMAGE = "docker.io/vastai/base-image:cuda-12.4.1-auto"
"""What a container rental runs; sshd is started in it by the market."""

ENGINE_IMAGE = "ghcr.io/ggml-org/llama.cpp:server-cuda-b11669"
"""The same where models are to be on its card: llama.cpp's own, of the build that our flags are of."""

LEAST_DISK = 8
"""GB; the market takes no less."""


@dataclass(frozen=True, slots=True)
class Order:
    """image: with registry and tag. disk: GB, fixed for life. bid: $/h of a machine that may be taken away, else None.

    vm: a virtual machine, not a container. env: variables of it; never secrets. onstart: a script with its shebang.
    """

    image: str
    disk: int
    bid: Decimal | None = None
    vm: bool = False
    env: dict[str, str] = field(default_factory=dict)
    onstart: str = ""

    def __post_init__(self) -> None:
        """Raises SpecError for what the market would refuse."""
        if not 0 < len(self.image) <= 1024 or self.image.startswith("-"):
            raise SpecError(f"{self.image[:60]!r} is no image to rent a machine with")
        if self.bid is not None and not Decimal("0.001") <= self.bid <= 128:
            raise SpecError(f"a bid of {self.bid} $/h is none: the market takes 0.001 to 128")
        if len(self.onstart) > 4096:
            raise SpecError(f"a start script of {len(self.onstart)} characters is longer than the market's 4096")
        if sum(len(k) + len(v) for k, v in self.env.items()) > 32768 or any(len(v) > 256 for v in self.env.values()):
            raise SpecError("the machine's variables are longer than the market takes: 256 each, 32768 in all")


def rent_body(order: Order, label: Label) -> dict[str, Any]:
    """The body of the call that rents. A price makes a rental interruptible, so it is there for bids alone."""
    body: dict[str, Any] = {
        "client_id": "me",
        "image": order.image,
        "env": {**order.env, MARK: str(label)},
        "disk": max(LEAST_DISK, order.disk),
        "label": str(label),
        "runtype": "ssh" if order.vm else "ssh_direc ssh_proxy",
        "target_state": "running",
        "cancel_unavail": True,
    }
    if order.bid is not None:
        body["price"] = float(order.bid)
    if order.vm:
        body["vm"] = True
    if order.onstart:
        body["onstart"] = order.onstart
    return body
