"""A machine that could be rented, as a market's search describes it, and what it truly costs."""

from dataclasses import dataclass
from decimal import Decimal

from swarmctl.core.price.arrival import Link
from swarmctl.core.price.rate import Rate


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer. gpu: the market's name of the card; count: cards; vram: MiB of each as the driver reports it.

    ram: MiB and cores: threads that the renter really gets. disk: GB to be had. base: $/h without disk.
    storage: $/GB/month. up, down: $/GB of traffic. uplink, downlink: Mbit/s. reliability: 0 to 1.
    duration: seconds until the machine is taken away, None where the market does not say. cuda: newest CUDA that
    the driver runs. capability: CUDA's, e.g. "8.9". bandwidth: GB/s of the card's memory, disk_speed: MB/s, both
    None where not measured. vm: can be rented as a virtual machine. interruptible: a higher bid takes it away.
    least_bid: $/h that the market takes for it so, None where not said.
    """

    id: str
    gpu: str
    count: int
    vram: int
    ram: int
    cores: int
    disk: float
    base: Decimal
    storage: Decimal
    up: Decimal
    down: Decimal
    uplink: float
    downlink: float
    reliability: float
    verified: bool = False
    datacenter: bool = False
    duration: float | None = None
    cuda: str = ""
    capability: str = ""
    ports: int = 0
    location: str = ""
    machine: str = ""
    vm: bool = False
    interruptible: bool = False
    bandwidth: float | None = None
    disk_speed: float | None = None
    least_bid: Decimal | None = None

    def rate(self, disk: int) -> Rate:
        """What it costs with a disk of this many GB."""
        return Rate(self.base, self.storage, disk, self.down, self.up)

    @property
    def link(self) -> Link:
        """What decides how fast models get there."""
        return Link(self.downlink, self.cores, self.disk_speed, self.disk)
