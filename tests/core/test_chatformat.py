"""A rendering is its family's format to the letter, or where it leaves it is said."""

import pytest

from swarmctl.core.chatformat import FORMATS, differs


@pytest.mark.parametrize("family", FORMATS)
def test_a_family_is_itself_and_no_other(family: str) -> None:
    assert differs(family, FORMATS[family]) == ""
    assert all(differs(family, text) for other, text in FORMATS.items() if other != family)
    assert differs(family, FORMATS[family][:-1])
    assert differs(family, FORMATS[family] + " ")
    assert differs(family, "")


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        (FORMATS["chatml"], True),
        (FORMATS["llama3"], True),
        ("SYSTEM FIRST ANSWER SECOND", False),
        ("SECOND", False),
        ("[[SECOND]] [[ANSWER]] [[FIRST]] and more words", False),
        ("", False),
    ],
)
def test_the_files_own_format_holds_every_message_and_is_one(text: str, holds: bool) -> None:
    assert (differs("own", text) == "") == holds
