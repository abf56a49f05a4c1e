"""The processes of a machine, by `ps -eo pid=,ppid=,rss=` or /proc: the memory of one with all that came from it."""

from collections.abc import Mapping


def table(text: str) -> dict[int, tuple[int, int]]:
    """Parent and KiB by process; lines that are none are left out."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and all(word.isdecimal() and len(word) < 16 for word in words):
            found[int(words[0])] = (int(words[1]), int(words[2]))
    return found


def of_stat(text: str, page: int) -> tuple[int, int] | None:
    """Parent and KiB in what /proc/PID/stat says; None for what says neither. page: bytes of one."""
    words = text.rpartition(")")[2].split()  # the name before it may hold anything
    if len(words) < 22 or not (words[1].isdecimal() and words[21].isdecimal()):
        return None
    return int(words[1]), int(words[21]) * page // 1024


def resident(processes: Mapping[int, tuple[int, int]], pid: int | None) -> float:
    """MiB of a process and its descendants; 0 where there is none of this number."""
    children: dict[int, list[int]] = {}
    for one, (parent, _) in processes.items():
        children.setdefault(parent, []).append(one)
    kib, todo, seen = 0, [pid or 0], set[int]()
    while todo:
        one = todo.pop()
        if one in processes and one not in seen:
            seen.add(one)
            kib += processes[one][1]
            todo += children.get(one, [])
    return kib / 1024
