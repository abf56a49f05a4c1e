"""Sources of conversions as they are after a look, of any size."""

from dataclasses import replace

from swarmctl.core.converting.graph import Prepared
from swarmctl.core.converting.request import Asked

GB = 10**9


def prepared(name: str, size: int = GB, quants: tuple[str, ...] = ("Q4_K_M",), **more: object) -> Prepared:
    base = Prepared(Asked("folder", f"/m/{name}", name), f"id-{name}", size, {}, size // 10, "bf16")
    return replace(base, sizes=dict.fromkeys(quants, size // 3), **more)  # type: ignore[arg-type]
