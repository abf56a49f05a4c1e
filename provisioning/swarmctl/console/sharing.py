"""One base and its specialists as people read them: how far the search is, and who shares."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from swarmctl.console import Console
from swarmctl.core.sharing.verdict import added, table

if TYPE_CHECKING:
    from swarmctl.commands.sharebase import Shared

_MIB = 1 << 20


class Folding:
    """Follows the search for edits: a line a specialist on stderr, or an event a line of JSON on stdout."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __call__(self, row: Mapping[str, Any]) -> None:
        """Draw one event of the converter's program."""
        event, name = row.get("event"), row.get("name")
        if event not in {"tensor", "specialist"}:
            return
        if self._console.as_json:
            self._console.data(json.dumps(dict(row)))
        elif event == "tensor":
            self._console.redraw(f"{name}: {row.get('done')} of {row.get('of')} edited tensors")
        else:
            self._console.redraw("")
            mark = "shares the base" if row.get("accepted") else "needs a model of its own"
            self._console.say(f"{name}  {mark}")


def show_shared(console: Console, done: "Shared") -> None:
    """Who shares, with rank, residual and size; why the others do not is the error's to say."""
    kept = done.kept
    if console.as_json:
        console.json(_json(done))
        return
    head, *rows = table(kept.report)
    console.data(console.table(list(head), rows))
    if kept.adapters:
        count = len(kept.adapters)
        said = "1 adapter adds" if count == 1 else f"{count} adapters add"
        head_text = "; it gets a head of its own when it is converted" if kept.head else ""
        console.data(f"\n{said} {added(kept.report) / _MIB:,.1f} MiB to the base{head_text}")


def _json(done: "Shared") -> dict[str, Any]:
    report = done.kept.report
    rows = []
    for one in report.specialists:
        adapter = done.kept.adapters.get(one.name)
        row = one.model_dump(mode="json")
        rows.append({**row, "source": done.specialists[one.name], "file": str(adapter.path) if adapter else None})
    return {
        "schema": "swarmctl/shared-base/v1", "base": done.base.where, "architecture": report.arch,
        "base_bytes": report.base_bytes, "head": bool(done.kept.head), "max_rank": report.max_rank,
        "residual": report.threshold, "specialists": rows,
    }  # fmt: skip
