"""A host without Docker, by what its look printed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmctl.core.processhost import read_process_host

DEBIAN = """\
machine x86_64
user 0
home /root
may yes
apt yes
python 3.13 /usr/bin/python3.13
python 3.13 /usr/bin/python3
pip yes
threads yes
git git version 2.47.3
end yes
"""


def _with(**changes: str) -> str:
    """The same with lines of these names replaced; an empty one is left out."""
    lines = [line for line in DEBIAN.splitlines() if line.split()[0] not in changes]
    return "\n".join([*(f"{name} {value}" for name, value in changes.items() if value), *lines, ""])


def test_all_that_is_needed_may_be_there() -> None:
    host = read_process_host(DEBIAN)
    assert host.lacks() == ()
    assert host.installs
    assert host.python == ("3.13", "/usr/bin/python3")
    assert host.base == "/var/lib/swarmctl"


def test_another_user_has_a_folder_of_their_own() -> None:
    host = read_process_host(_with(user="1000", home="/home/me", may=""))
    assert host.base == "/home/me/.local/state/swarmctl-host"
    assert not host.installs


@pytest.mark.parametrize(
    ("changes", "lacks"),
    [
        ({"git": "git version 2.34.1"}, ("git 2.38",)),
        ({"git": "", "threads": ""}, ("git 2.38", "libgomp")),
        ({"python": "3.10 /usr/bin/python3"}, ("Python 3.11 to 3.14",)),
        ({"python": "3.15 /usr/bin/python3"}, ("Python 3.11 to 3.14",)),
        ({"python": ""}, ("Python 3.11 to 3.14",)),
    ],
)
def test_what_is_missing_is_named(changes: dict[str, str], lacks: tuple[str, ...]) -> None:
    assert read_process_host(_with(**changes)).lacks() == lacks


def test_the_newest_python_that_will_do_is_taken() -> None:
    text = _with(python="3.11 /usr/bin/python3.11") + "python 3.12 /opt/python3.12\npython 3.99 /opt/python3.99\n"
    assert read_process_host(text).python == ("3.12", "/opt/python3.12")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "cut off"),
        (DEBIAN.replace("end yes\n", ""), "cut off"),
        (_with(machine="riscv64"), "it is a 'riscv64'"),
        (_with(home="/root; rm -rf /"), "home"),
        (_with(home="relative"), "home"),
        (_with(home=""), "home"),
    ],
)
def test_a_machine_of_no_use_is_said_to_be_that(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_process_host(text)


@pytest.mark.parametrize("row", ["3.13", "3.13 python3", "x.y /usr/bin/python3", "3.13 /usr/bin/py thon", "3.13 /a'b"])
def test_a_python_that_is_none_is_left_out(row: str) -> None:
    assert read_process_host(_with(python=row)).python is None


@given(st.text())
def test_nonsense_is_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"cut off|wheels|home"):
        read_process_host(text)
