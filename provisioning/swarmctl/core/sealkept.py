"""Judges of what is kept where: secrets in files alone, wheels as the lock has them, images by digest."""

from collections.abc import Iterator

from swarmctl.core.seal import Finding
from swarmctl.core.sealrights import judged
from swarmctl.core.sealsight import Around, Seen


def secret_files(seen: Seen, around: Around) -> Finding:
    """Secrets are files that their owner alone reads, on a mount that nobody writes; no file of the stack has one."""
    mounts, found = seen.sight.of("mount"), seen.sight.all("secret")

    def holes() -> Iterator[str]:
        for name, about in found:
            if about.split()[0][-2:] != "00":
                yield f"/run/secrets/{name} is {about}"
            if "ro" not in mounts.get(f"/run/secrets/{name}", "- ro").split()[1].split(","):
                yield f"/run/secrets/{name} can be written"
        yield from _leaks(seen, around, "files")
        yield from (f"{name} in {place}" for place, name in seen.sight.all("leak") if place.startswith("/etc/"))

    shown = ", ".join(f"/run/secrets/{name} {about}" for name, about in found) or "it has no secret"
    return judged(seen, holes(), shown)


def in_proc(seen: Seen, _around: Around) -> Finding:
    """No process shows one in its environment or its command line."""
    read = [place for place in seen.sight.of("searched") if place.startswith("/proc/")]
    holes = [f"{name} in {place}" for place, name in seen.sight.all("leak") if place.startswith("/proc/")]
    return judged(seen, holes, f"none in {len(read)} files, /proc/1/environ among them", blind=_unread(read))


def _unread(read: list[str]) -> str:
    return "" if read else "no Python in this image to look with"


def in_inspect(seen: Seen, around: Around) -> Finding:
    """`docker inspect` shows none."""
    return _searched(seen, around, "inspect")


def in_log(seen: Seen, around: Around) -> Finding:
    """Nor does anything that it wrote."""
    return _searched(seen, around, "log")


def _searched(seen: Seen, around: Around, place: str) -> Finding:
    size = around.searched.get(f"{seen.service}/{place}")
    blind = "" if size is not None else f"its {place} could not be read"
    holes = list(_leaks(seen, around, place))
    if holes or blind:
        return Finding(seen.service, "fail" if holes else "unknown", "; ".join(holes) or blind)
    return Finding(seen.service, "pass", f"none in {size} bytes of its {place}")


def _leaks(seen: Seen, around: Around, place: str) -> Iterator[str]:
    for service, where, name in around.leaks:
        if where.startswith(place) and service in {seen.service, ""}:
            yield f"{name} in {where}"


def in_layers(seen: Seen, around: Around) -> Finding:
    """The image it was made from has none, in its history, its configuration or any layer."""
    image = around.images.get(seen.id)
    if image is None:
        return Finding(seen.service, "unknown", "its image could not be looked at")
    if image.leaks:
        return Finding(seen.service, "fail", "; ".join(image.leaks))
    said = f"none in the history of {image.reference}"
    if image.trouble:
        # What was pulled was made where no secret of this swarm has ever been.
        pulled = len(image.digests) > 1
        return Finding(seen.service, "pass" if pulled else "unknown", f"{said}; {image.trouble}")
    return Finding(seen.service, "pass", f"{said} and {image.read} bytes of its layers")


def digests(seen: Seen, around: Around) -> Finding:
    """The image that runs is the one that the lock names."""
    image = around.images.get(seen.id)
    if image is None:
        return Finding(seen.service, "unknown", "its image could not be looked at")
    if image.locked:
        ours = image.locked in image.digests
        said = f"{image.reference} is {image.locked}" if ours else (
            f"{image.reference} is {', '.join(sorted(image.digests))}, the lock says {image.locked}"
        )  # fmt: skip
        return Finding(seen.service, "pass" if ours else "fail", said)
    tag = image.reference.partition("@")[0].rpartition(":")[2]
    if not tag or "/" in tag or tag == "latest":
        return Finding(seen.service, "fail", f"{image.reference} names no version")
    return Finding(
        seen.service, "pass", f"{image.reference}, which no lock names, is {min(image.digests, default='?')}"
    )


def wheels(seen: Seen, around: Around) -> Finding:
    """Packages and versions are those of a lock with hashes, and every file is as its wheel recorded it."""
    found, sight = seen.sight.of("wheel"), seen.sight
    if around.locked is None:
        return judged(seen, (), "", blind="the lock of the agent's packages is not here")
    locked = dict(around.locked)

    def holes() -> Iterator[str]:
        if not around.hashed:
            yield "a line of the lock has no hash"
        if not sight.whole:
            return
        for name in sorted(found.keys() | locked.keys()):
            if found.get(name) != locked.get(name):
                yield f"{name}: {found.get(name, 'not there')}, the lock says {locked.get(name, 'nothing')}"
        yield from (f"{path} is {what}" for path, what in sight.all("changed"))
        yield from (f"{path} is {what}" for path, what in sight.all("stray"))

    return judged(seen, holes(), f"{len(found)} packages as locked by hash, every file as its wheel has it")
