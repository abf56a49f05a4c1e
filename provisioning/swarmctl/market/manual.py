"""The tables of the market's manual, from the code that they describe."""

from collections.abc import Sequence

from swarmctl.market.catalogue import ASSUMPTIONS, FAULTS
from swarmctl.market.routes import ROUTES


def faults() -> str:
    """Every fault: its name, where it strikes, the defaults of its options, and what it does."""
    rows = []
    for one in FAULTS:
        measures = {"after": one.after, "seconds": one.seconds, "percent": one.percent}
        options = [f"{name}={value:g}" for name, value in measures.items() if value]
        rows.append((f"`{one.name}`", ", ".join(one.on) or one.place, " ".join(options), one.says))
    return _table(("fault", "strikes at", "defaults", "what happens"), rows)


def assumptions() -> str:
    """What only the real market can tell; the first value is the one taken."""
    rows = [(f"`{one.name}`", " or ".join(f"`{value}`" for value in one.values), one.says) for one in ASSUMPTIONS]
    return _table(("assumption", "values", "meaning"), rows)


def endpoints() -> str:
    """Every endpoint, and what it takes."""
    rows = []
    for one in ROUTES:
        limit = f"{one.threshold:g} s" + (f", then {one.penalty:g} s more" if one.penalty else "")
        paced = limit if one.threshold else "10 a minute" if one.operation == "search" else ""
        own = " (or the instance's own)" if one.own else ""
        path = one.path if one.path.endswith("NAME") else f"{one.path}/"
        rows.append((f"`{one.method} {path}`", one.operation, f"{one.group or 'anybody'}{own}", paced))
    return _table(("endpoint", "operation", "key with", "apart"), rows)


def _table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [titles, tuple("---" for _ in titles), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
