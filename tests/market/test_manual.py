"""The manual's tables are the code's."""

import os
import re

import pytest

from fakes.practice import ROOT
from swarmctl.market import manual

FILE = ROOT / "docs" / "market.md"


@pytest.mark.parametrize("table", ["faults", "assumptions", "endpoints"])
def test_a_table_is_as_the_code_has_it(table: str) -> None:
    text = FILE.read_text(encoding="utf-8")
    made = re.sub(
        rf"(<!-- {table} -->\n).*?(<!-- end -->)",
        lambda m: m[1] + getattr(manual, table)() + m[2],
        text,
        count=1,
        flags=re.DOTALL,
    )
    if os.environ.get("SWARMCTL_GOLDEN") == "write":
        FILE.write_text(made, encoding="utf-8")
        text = made
    assert f"<!-- {table} -->\n|" in made
    assert made == text, "docs/market.md: make golden"
