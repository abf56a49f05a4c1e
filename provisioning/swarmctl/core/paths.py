"""May a step write this path? A sentence when not."""

import re
from collections.abc import Iterable, Mapping, Sequence

LONGEST = 240
"""Bytes of a path, so that it can be checked out below a deep folder anywhere."""

_GIT_LIKE = re.compile(r"\.git(?:$|[ .:~])|git~\d", re.IGNORECASE)
_RULES_OF_GIT = frozenset({".gitmodules", ".gitattributes"})
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")

Tree = Mapping[str, str]
"""Path → git mode: 100644, 100755, 120000 for a symlink, 160000 for a submodule."""


def shape_problem(path: str) -> str | None:
    """Why `path` names no file inside a workspace, whatever that holds; None when it does."""
    if not path or path != path.strip():
        return f"the path {path!r} is empty or has blanks around it"
    if re.search(r"[\x00-\x1f\x7f]", path) or _INVISIBLE.search(path) or not _is_utf8(path):
        return f"the path {path!r} has characters that cannot be seen"
    if len(path.encode()) > LONGEST:
        return f"the path {path[:40]!r}… is longer than {LONGEST} bytes"
    if "\\" in path or ":" in path:
        return f"the path {path!r} has a backslash or a colon; write it with slashes"
    if path.startswith(("/", "~")):
        return f"the path {path!r} is not relative to the repository"
    return _part_problem(path)


def refusal(path: str, *, allowed: Sequence[str], tree: Tree) -> str | None:
    """Why a step may not write `path`, as one sentence; None when it may.

    `allowed`: the step's list of files. `tree`: what the commit holds that the step starts from.
    """
    if problem := shape_problem(path):
        return problem
    if path not in allowed:
        return f"the path {path!r} is not in the step's list: {', '.join(allowed) or 'it is empty'}"
    return _tree_problem(path, tree)


def list_problems(paths: Iterable[str], tree: Tree) -> list[str]:
    """Every reason why these paths cannot be a step's list of files."""
    found = (shape_problem(path) or _tree_problem(path, tree) for path in paths)
    return [problem for problem in found if problem]


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _part_problem(path: str) -> str | None:
    for part in path.split("/"):
        if part in ("", ".", ".."):
            return f"the path {path!r} has an empty, '.' or '..' part"
        if _GIT_LIKE.match(part):
            return f"the path {path!r} reaches into git's own folder"
        if part.rstrip(" .") != part:
            return f"the path {path!r} has a part that ends in a dot or a blank"
    if path.rsplit("/", 1)[-1].lower() in _RULES_OF_GIT:
        return f"{path} tells git what to run and fetch; a step may not write it"
    return None


def _tree_problem(path: str, tree: Tree) -> str | None:
    parts = path.split("/")
    for depth in range(1, len(parts) + 1):
        above = "/".join(parts[:depth])
        mode = tree.get(above)
        if mode == "120000":
            return f"the path {path!r} is or lies below the symlink {above!r}"
        if mode == "160000":
            return f"the path {path!r} is or lies in the submodule {above!r}"
        if mode is not None and depth < len(parts):
            return f"the path {path!r} lies below {above!r}, which is a file"
    if any(known.startswith(path + "/") for known in tree):
        return f"the path {path!r} is a folder"
    return None
