"""A path is refused with a sentence, and nothing outside of the workspace is ever let through."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarmctl.core.paths import list_problems, refusal, shape_problem

TREE = {
    "src/app.py": "100644",
    "link": "120000",
    "vendor/lib": "160000",
    "README.md": "100644",
}


@pytest.mark.parametrize("path", ["app.py", "src/a-b_c.py", ".github/workflows/ci.yml", ".gitignore", "d/é.md"])
def test_ordinary_paths_are_let_through(path: str) -> None:
    assert refusal(path, allowed=[path], tree=TREE) is None


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("", "empty"),
        (" a.py", "blanks"),
        ("../a.py", "'..'"),
        ("a/../../b.py", "'..'"),
        ("./a.py", "'.'"),
        ("a//b.py", "empty"),
        ("a/", "empty"),
        ("/etc/passwd", "not relative"),
        ("~/.ssh/config", "not relative"),
        ("C:/x.py", "colon"),
        ("a\\..\\b.py", "backslash"),
        ("a.py::$DATA", "colon"),
        (".git/hooks/pre-commit", "git's own"),
        ("sub/.GIT/config", "git's own"),
        (".git./config", "git's own"),
        (".git /config", "git's own"),
        ("git~1/config", "git's own"),
        ("GIT~1", "git's own"),
        (".g\u200bit/config", "cannot be seen"),
        ("a\nb.py", "cannot be seen"),
        ("a\x00.py", "cannot be seen"),
        ("caf\udce9.py", "cannot be seen"),
        ("a./b.py", "ends in a dot"),
        (".gitmodules", "tells git"),
        ("sub/.gitattributes", "tells git"),
        ("x" * 241, "longer than 240"),
        ("é" * 121, "longer than 240"),
    ],
)
def test_what_leaves_the_workspace_is_refused(path: str, word: str) -> None:
    assert word in (refusal(path, allowed=[path], tree={}) or "")


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("link", "symlink 'link'"),
        ("link/inside.py", "symlink 'link'"),
        ("vendor/lib", "submodule 'vendor/lib'"),
        ("vendor/lib/x.py", "submodule 'vendor/lib'"),
        ("src/app.py/x", "is a file"),
        ("src", "is a folder"),
    ],
)
def test_what_the_repository_holds_decides_too(path: str, word: str) -> None:
    assert word in (refusal(path, allowed=[path], tree=TREE) or "")
    assert list_problems([path], TREE)


def test_only_the_steps_own_files() -> None:
    assert refusal("b.py", allowed=["a.py"], tree={}) == "the path 'b.py' is not in the step's list: a.py"


PIECES = st.sampled_from(["..", ".", "", "a", ".git", ".GIT", "git~1", "~", "\\", "C:", "b.py", "\x00", "é", "."])


@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=6).map("/".join)))
def test_what_passes_stays_inside(path: str) -> None:
    if shape_problem(path) is not None:
        return
    parts = PurePosixPath(path).parts
    assert not path.startswith("/")
    assert ".." not in parts
    assert all(not part.lower().startswith((".git/", "git~")) and part.lower() != ".git" for part in parts)
    assert "\\" not in path
    assert "/".join(parts) == path
