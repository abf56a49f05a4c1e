"""Files that containers read and write: given to the user whom they run as, and models under a second name."""

import os
import shutil
from contextlib import suppress
from pathlib import Path


def give(user: str, *paths: Path) -> None:
    """All under these paths belongs to `user` (`10001:10001`) from now on; where we are not root it is ours already.

    A file with several names is somebody's own, and left alone.
    """
    if os.geteuid() != 0:
        return
    owner, group = map(int, user.split(":"))
    for path in paths:
        for one in (path, *path.rglob("*")):
            if one.is_dir() or one.stat(follow_symlinks=False).st_nlink == 1:
                os.chown(one, owner, group, follow_symlinks=False)


def lend(user: str, blob: Path, place: Path) -> None:
    """A second name of a file where `user` may read it so, a copy elsewhere; nothing when it is there."""
    if place.exists():
        return
    if os.geteuid() != 0 or blob.stat().st_mode & 0o004:
        with suppress(OSError):
            os.link(blob, place)
            return
    part = place.with_suffix(".part")
    shutil.copyfile(blob, part)
    give(user, part)
    part.replace(place)
