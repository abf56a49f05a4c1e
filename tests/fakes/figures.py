"""The figures of `make torture`, kept in build/torture.json for `make bench`, those of one commit together."""

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def keep(row: dict[str, object]) -> None:
    """Put a row beside those that this commit has already."""
    head = subprocess.run(["git", "-C", ROOT, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    file = ROOT / "build" / "torture.json"
    file.parent.mkdir(exist_ok=True)
    last = json.loads(file.read_text()) if file.exists() else {}
    rows = (
        [r for r in last.get("rows", []) if r["id"] != row["id"]] if last.get("commit") == head.stdout.strip() else []
    )
    file.write_text(json.dumps({"commit": head.stdout.strip(), "rows": [*rows, row]}, indent=1) + "\n")


def figure(id_: str, work: str, ours: float, unit: str, most: float, runs: int) -> None:
    """Keep one figure that must not be over `most`."""
    row = {"id": id_, "work": work, "ours": round(ours, 3), "peer": None, "unit": unit, "ratio": None}
    keep({**row, "goal": f"<= {most:g} {unit}", "holds": ours <= most, "runs": runs})
