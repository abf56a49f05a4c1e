"""The cards that its machines have, by the market's names."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Card:
    """One model. sizes: MiB as machines report them. price: $/h on demand. bandwidth: GB/s. often: its weight."""

    name: str
    sizes: tuple[int, ...]
    price: float
    bandwidth: int
    capability: int
    often: int
    tflops: float


CARDS = (
    Card("RTX 3060", (12288,), 0.06, 360, 860, 5, 12.7),
    Card("RTX 3080", (10240, 12288), 0.10, 760, 860, 3, 29.8),
    Card("RTX 3090", (24576, 24268), 0.18, 936, 860, 14, 35.6),
    Card("RTX 4060 Ti", (16380, 8188), 0.11, 288, 890, 3, 22.1),
    Card("RTX 4070", (12282,), 0.12, 504, 890, 2, 29.1),
    Card("RTX 4080", (16376,), 0.20, 717, 890, 2, 48.7),
    Card("RTX 4090", (24564, 24217), 0.34, 1008, 890, 18, 82.6),
    Card("RTX 5080", (16303,), 0.24, 960, 1200, 2, 56.3),
    Card("RTX 5090", (32607,), 0.48, 1792, 1200, 12, 104.8),
    Card("RTX A4000", (16376,), 0.10, 448, 860, 3, 19.2),
    Card("RTX A5000", (24564,), 0.21, 768, 860, 3, 27.8),
    Card("RTX A6000", (49140,), 0.42, 768, 860, 4, 38.7),
    Card("RTX 6000Ada", (49140,), 0.66, 960, 890, 3, 91.1),
    Card("RTX PRO 6000 WS", (97887,), 1.05, 1792, 1200, 2, 125.0),
    Card("L4", (23034,), 0.32, 300, 890, 1, 30.3),
    Card("L40", (46068,), 0.60, 864, 890, 2, 90.5),
    Card("L40S", (46068,), 0.70, 864, 890, 4, 91.6),
    Card("A10", (23028,), 0.25, 600, 860, 1, 31.2),
    Card("A40", (46068, 49140), 0.38, 696, 860, 2, 37.4),
    Card("A100 PCIE", (40960, 81920), 0.70, 1555, 800, 5, 19.5),
    Card("A100 SXM4", (40960, 81920), 0.80, 2039, 800, 7, 19.5),
    Card("H100 PCIE", (81559,), 1.80, 2000, 900, 2, 51.2),
    Card("H100 SXM", (81559,), 2.00, 3350, 900, 6, 66.9),
    Card("H100 NVL", (95830,), 1.95, 3938, 900, 2, 60.0),
    Card("H200", (143771,), 2.50, 4800, 900, 4, 66.9),
    Card("B200", (183359,), 3.60, 8000, 1000, 2, 80.0),
    Card("Tesla V100", (16384, 32768), 0.18, 900, 700, 3, 15.7),
    Card("Tesla T4", (15360,), 0.13, 320, 750, 1, 8.1),
)

ALWAYS = (
    *(("RTX 3090", 24576), ("RTX 4090", 24564), ("RTX 5090", 32607), ("RTX A6000", 49140), ("L40S", 46068)),
    *(("A100 PCIE", 40960), ("A100 PCIE", 81920), ("A100 SXM4", 40960), ("A100 SXM4", 81920)),
    *(("H100 SXM", 81559), ("H200", 143771), ("RTX PRO 6000 WS", 97887), ("A40", 46068)),
)
"""Each market has three good machines of these: one card with VMs, two cards with VMs, one card without."""

DRIVERS = ((12.2, "535.183.01"), (12.4, "550.127.05"), (12.8, "570.133.20"), (13.0, "580.95.05"))
"""CUDA's version and the driver that brings it."""

PLACES = (
    *("California, US", "Texas, US", "Virginia, US", "Quebec, CA", "Sweden, SE", "Norway, NO", "Germany, DE"),
    *("France, FR", "Poland, PL", "Bulgaria, BG", "United Kingdom, GB", "Taiwan, TW", "Japan, JP", "Australia, AU"),
)
"""Where machines stand."""
