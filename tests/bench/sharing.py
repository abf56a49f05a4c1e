"""Row P6: a larger model and six specialists, on one base against apart, by llama.cpp's own buffer lines."""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measure import Row, alone, beside

from fakes.sharedmemory import compared


def sharing_rows() -> list[Row]:
    """Buffers of eight servers, and how far the plan is from them."""
    with tempfile.TemporaryDirectory(prefix="swarmctl-bench-") as folder:
        found = compared(Path(folder))
    off = max(abs(one.planned / one.said - 1) for one in (found.apart, found.shared))
    said, resident = (found.shared.said, found.apart.said), (found.shared.resident, found.apart.resident)
    return [
        beside("P6", "memory of 1 + 6 models on one base, against apart", said, "MiB", 0.6, 1),
        beside("P6a", "the same, resident", resident, "MiB", 0.6, 1),
        alone("P6b", "the plan's expectation, off by", off * 100, "%", 5, 1),
    ]


if __name__ == "__main__":
    for row in sharing_rows():
        print(row)
