"""Memory of a process with its children, from what `ps` prints."""

import pytest

from swarmctl.core.processtable import resident, table

TEXT = "  1 0 2048\n 10 1 1024\n 11 10 1024\n 12 11 512\n nonsense\n 13 x 5\n"


@pytest.mark.parametrize(("pid", "mib"), [(10, 2.5), (12, 0.5), (1, 4.5), (99, 0.0)])
def test_a_process_counts_with_all_that_came_from_it(pid: int, mib: float) -> None:
    assert resident(table(TEXT), pid) == mib


def test_a_table_that_goes_in_circles_has_an_end() -> None:
    assert resident({1: (2, 1024), 2: (1, 1024)}, 1) == 2.0
