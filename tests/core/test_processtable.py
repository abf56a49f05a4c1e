"""Memory of a process with its children, from what `ps` prints or /proc says."""

import pytest

from swarmctl.core.processtable import of_stat, resident, table

TEXT = "  1 0 2048\n 10 1 1024\n 11 10 1024\n 12 11 512\n nonsense\n 13 x 5\n"


@pytest.mark.parametrize(("pid", "mib"), [(10, 2.5), (12, 0.5), (1, 4.5), (99, 0.0)])
def test_a_process_counts_with_all_that_came_from_it(pid: int, mib: float) -> None:
    assert resident(table(TEXT), pid) == mib


def test_a_table_that_goes_in_circles_has_an_end() -> None:
    assert resident({1: (2, 1024), 2: (1, 1024)}, 1) == 2.0


STAT = "77 (a) name (x) S 5 77 77 0 -1 4194560 9 0 0 0 1 2 0 0 20 0 1 0 900 8192000 300 18446744073709551615 1 1"


@pytest.mark.parametrize(
    ("text", "seen"),
    [(STAT, (5, 1200)), (STAT.replace(" 300 ", " x "), None), ("77 (short) S 5", None), ("", None)],
)
def test_a_process_is_read_from_its_own_line(text: str, seen: tuple[int, int] | None) -> None:
    assert of_stat(text, 4096) == seen
