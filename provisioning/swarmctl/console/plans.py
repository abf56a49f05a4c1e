"""A plan as people read it: what will be done, what it needs, where every value came from."""

from swarmctl.console import Console
from swarmctl.core.plan import Memory, Plan
from swarmctl.core.specfile import Loaded
from swarmctl.core.units import as_size

_BAR = 40


def show_plan(console: Console, plan: Plan, loaded: Loaded | None = None) -> None:
    """Memory, steps, warnings, refusals; with `loaded`, the origin of each value."""
    if console.as_json:
        origins = dict(loaded.origins) if loaded else {}
        console.json({**plan.as_json(), "origins": origins})
        return
    if plan.memory:
        console.data(_memory(console, plan))
    if loaded is not None:
        console.data("\n" + console.style("values", "bold"))
        width = max(map(len, loaded.origins), default=0)
        console.data("\n".join(f"  {path:<{width}}  {origin}" for path, origin in sorted(loaded.origins.items())))
    for warning in plan.warnings:
        console.data(f"\n{console.style('note', 'yellow')}: {warning}")
    for refusal in plan.refusals:
        console.data(f"\n{console.style('refused', 'red')}: {refusal}")
    if plan.first is not None:
        console.data("\n" + console.style("made first of published weights", "bold"))
        console.data("\n".join(f"  {line}" for line in plan.first.lines))
    if not plan.refusals:
        console.data("\n" + console.style("steps", "bold"))
        console.data(plan.text())


def _memory(console: Console, plan: Plan) -> str:
    rows = [
        [row.service, *(_mib(part, row) for part in (row.weights, row.kv, row.compute, row.other, row.total))]
        for row in plan.memory
    ]
    table = console.table(["memory (MiB)", "weights", "KV", "buffers", "process", "total"], rows)
    free = plan.ram_free
    share = min(1.0, plan.needed / free) if free else 1.0
    bar = "#" * round(share * _BAR) + "." * (_BAR - round(share * _BAR))
    return f"{table}\n[{bar}] {as_size(plan.needed)} of {as_size(free)} free memory"


def _mib(value: float, row: Memory) -> int | str:
    return round(value) if row.known else "?"
