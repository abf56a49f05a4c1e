"""Machines and what they offer, made from a seed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from swarmctl.market.cards import ALWAYS, CARDS, DRIVERS, PLACES, Card
from swarmctl.market.draw import Draw, token
from swarmctl.market.money import micro

FIRST = 10_000_000


@dataclass(frozen=True, slots=True)
class Offer:
    """A part of a machine. Money in millionths of a dollar: base and bid an hour; storage and stopped (the price of
    storage while the instance is stopped) a GB and month; up and down a GB. duration: seconds. facts: what a search
    says of it that no rental changes.
    """

    id: int
    machine: int
    gpus: int
    base: int
    bid: int
    storage: int
    stopped: int
    up: int
    down: int
    duration: int
    vm: bool
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shop:
    """All offers by id, and how many GPUs each machine has."""

    offers: Mapping[int, Offer]
    gpus: Mapping[int, int]


@lru_cache(maxsize=8)
def shop(seed: int, machines: int = 300) -> Shop:
    """The market of a seed."""
    offers: dict[int, Offer] = {}
    gpus: dict[int, int] = {}
    for place in range(machines):
        for offer in _machine(seed, place, offers, gpus):
            offers[offer.id] = offer
    return Shop(offers, gpus)


def _machine(seed: int, place: int, offers: Mapping[int, Offer], gpus: dict[int, int]) -> list[Offer]:
    draw = Draw(seed, "machine", place)
    good = place < 3 * len(ALWAYS)
    if good:
        name, vram = ALWAYS[place // 3]
        card = next(one for one in CARDS if one.name == name)
    else:
        card = draw.pick(CARDS, [one.often for one in CARDS])
        vram = draw.pick(card.sizes)
    machine = 1000 + place * 37 + draw.whole(0, 30)
    count = (1, 2, 1)[place % 3] if good else draw.pick((1, 2, 4, 8), (60, 18, 12, 10))
    gpus[machine] = count
    shared = _of_machine(draw, machine, card, vram, good=good, vm=place % 3 < 2 if good else draw.unit() < 0.3)
    sizes = sorted({count, *((1, count // 2) if count > 2 else (1,) if not good and draw.unit() < 0.5 else ())})
    first = FIRST + len(offers)
    drawn = [(first + n, size, Draw(seed, place, size)) for n, size in enumerate(sizes)]
    return [_offer(id_, machine, card, size, count, shared, chance) for id_, size, chance in drawn]


def _of_machine(draw: Draw, machine: int, card: Card, vram: int, *, good: bool, vm: bool) -> dict[str, Any]:
    cuda, driver = draw.pick(DRIVERS[2:] if good else DRIVERS)
    score = draw.between(0.985, 0.999) if good else min(1.0, draw.between(0.85, 1.02))
    days = draw.between(30, 300) if good else draw.pick((0.4, 3, 20, 90, 300)) * draw.between(0.5, 1.5)
    status = "verified" if good else draw.pick(("verified", "unverified", "deverified"), (80, 17, 3))
    cores = draw.pick((8, 12, 16, 24, 32)) * (2 if vram > 40000 else 1)
    return {
        "machine_id": machine,
        "host_id": 50_000 + int(token("host", machine)[:4], 16),
        "gpu_name": card.name,
        "gpu_ram": vram,
        "gpu_mem_bw": round(card.bandwidth * draw.between(0.8, 0.93), 1),
        "gpu_arch": "nvidia",
        "compute_cap": card.capability,
        "cuda_max_good": cuda,
        "driver_version": driver,
        "driver_vers": int("".join(part.zfill(3) for part in driver.split("."))),
        "gpu_lanes": 16,
        "gpu_max_power": 350.0,
        "gpu_max_temp": 90.0,
        "gpu_display_active": False,
        "cpu_name": "AMD EPYC 7543",
        "cpu_arch": "amd64",
        "cpu_ghz": 2.8,
        "has_avx": 1,
        "cores": cores,
        "ram": draw.pick((48179, 64217, 96512, 128573)),
        "mobo_name": "H12DSG-O-CPU",
        "os_version": "22.04",
        "disk_name": "SAMSUNG MZQL2",
        "disk_bw": round(draw.between(900 if good else 300, 7000), 1),
        "disk": round(draw.between(600, 3000) if good else draw.between(16, 2000), 2),
        "inet_up": round(draw.between(300 if good else 10, 5000), 1),
        "inet_down": round(draw.between(700 if good else 20, 8000), 1),
        "up": draw.pick((0, 2000, 5000, 10000, 20000)),
        "down": draw.pick((0, 1000, 3000, 10000, 20000)),
        "storage": draw.pick((100_000, 149_300, 150_000, 200_000)),
        "dearer": draw.pick((1.0, 1.5, 2.0)),
        "pci_gen": 4.0,
        "pcie_bw": round(draw.between(10, 27), 1),
        "bw_nvlink": 300.0 if "SXM" in card.name else 0.0,
        "reliability": round(score, 6),
        "verification": status,
        "hosting_type": draw.pick((0, 0, 1)),
        "geolocation": draw.pick(PLACES),
        "static_ip": draw.unit() < 0.6,
        "external": False,
        "vms_enabled": vm,
        "is_vm_deverified": False if good else draw.unit() < 0.05,
        "duration": int(days * 86400),
        "ports": draw.whole(40, 500),
        "dear": draw.between(0.9, 1.1) if good else draw.between(0.75, 1.5),
    }


def _offer(id_: int, machine: int, card: Card, size: int, count: int, of: dict[str, Any], draw: Draw) -> Offer:
    large = 1.6 if of["gpu_ram"] > 48000 and "A100" in card.name else 1.0
    base = micro(round(card.price * large * size * of["dear"] * draw.between(0.98, 1.02), 4))
    bid = micro(round(base / 1e6 * draw.between(0.35, 0.7), 4))
    power = card.tflops * size * draw.between(0.9, 1.05)
    private = {"cores", "ram", "disk", "up", "down", "storage", "dearer", "ports", "dear", "duration"}
    facts = {key: value for key, value in of.items() if key not in private} | {
        "id": id_,
        "ask_contract_id": id_,
        "bundle_id": id_ + 1_000_000,
        "bundled_results": 1,
        "num_gpus": size,
        "gpu_frac": size / count,
        "gpu_total_ram": of["gpu_ram"] * size,
        "min_bid": bid / 1e6,
        "cpu_cores": of["cores"] * count,
        "cpu_cores_effective": float(of["cores"] * size),
        "cpu_ram": of["ram"] * count,
        "disk_space": round(of["disk"] * size / count, 2),
        "total_flops": round(power, 2),
        "dlperf": round(power * 1.7, 2),
        "reliability2": of["reliability"],
        "inet_up_cost": of["up"] / 1e6,
        "inet_down_cost": of["down"] / 1e6,
        "storage_cost": of["storage"] / 1e6,
        "internet_up_cost_per_tb": of["up"] / 1e3,
        "internet_down_cost_per_tb": of["down"] / 1e3,
        "direct_port_count": max(1, of["ports"] * size // count),
        "resource_type": "gpu",
        "credit_discount_max": 0.4,
        "public_ipaddr": f"192.0.2.{machine % 254 + 1}",
        "ubuntu_version": of["os_version"],
        "cluster_id": None,
        "verified": of["verification"] == "verified",
        "datacenter": of["hosting_type"] == 1,
    }
    stopped = int(of["storage"] * of["dearer"])
    money = (base, bid, of["storage"], stopped, of["up"], of["down"])
    return Offer(id_, machine, size, *money, of["duration"], of["vms_enabled"] and not of["is_vm_deverified"], facts)
