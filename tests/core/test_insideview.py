"""What a container's probe prints is read, and nonsense is not known rather than wrong."""

import pytest

from swarmctl.core.insideview import Card, Disk, inside

STAT = "62 (llama-server) S 1 1 1 0 -1 4194304 47195 0 0 0 1721 22 0 0 20 0 11 0 2256147 782032896 40229 0 0"
BLOB = "9674b5ab4920c3f950eb44a1312a5a0b5713df0987182f7d203eab70b62accdd"
TEXT = f"""@process 1
1 (ollama (odd)) S 0 1 1 0 -1 4194560 7122 10970 6 29 36 76 13 38 20 0 9 0 2255563 1933676544 8711 0 0
/bin/ollama serve{" "}
VmRSS:	   34816 kB
@process 62
{STAT}
/usr/lib/ollama/llama-server --model /models/blobs/sha256-{BLOB} --port 1
VmRSS:	  161792 kB
@environ
OLLAMA_KEEP_ALIVE=-1
PATH=/a=b
broken
@cgroup
memory.current 734003200
memory.max 1073741824
memory.events oom_kill 2
memory.stat inactive_file 209715200
@memory
MemTotal:       24684084 kB
MemAvailable:   23410664 kB
@disk
Filesystem     1024-blocks     Used Available Capacity Mounted on
overlay          264212084 26776460  68724804      29% /models
overlay          264212084 26776460  68724804      29% /models
"""


def test_a_look() -> None:
    seen = inside(TEXT)
    assert [process.pid for process in seen.processes] == [1, 62]
    runner = seen.runners[BLOB]
    assert (runner.runner, runner.resident) == ("62@2256147", 158.0)
    assert seen.environment == {"OLLAMA_KEEP_ALIVE": "-1", "PATH": "/a=b"}
    assert (seen.used, seen.limit, seen.kills) == (500.0, 1024.0, 2)
    assert seen.disks == (Disk("/models", 264212084 / 1024, 68724804 / 1024),)
    assert seen.available == 23410664 / 1024
    assert seen.cards is None


def test_the_first_memory_groups() -> None:
    seen = inside(
        "@cgroup\nmemory.usage_in_bytes 198905856\nmemory.limit_in_bytes 9223372036854771712\n"
        "memory.stat inactive_file 1\nmemory.stat total_inactive_file 94048256\nmemory.oom_control oom_kill 1\n"
    )
    assert (seen.limit, seen.kills) == (None, 1)
    assert seen.used == pytest.approx((198905856 - 1) / 2**20)


def test_cards() -> None:
    gpu = "@gpu\nNVIDIA A100-SXM4-80GB, 81920, 20480\n@apps\nGPU-1, 17, 1024\nGPU-1, 18, 2048 MiB\nGPU-1, 19, [N/A]\n"
    assert inside(gpu).cards == (Card("NVIDIA A100-SXM4-80GB", 81920, 20480, (1024, 2048)),)
    two = inside("@gpu\nA, 10, 1\nB, 10, 2\n@apps\nGPU-1, 17, 5\n").cards
    assert two == (Card("A", 10, 1), Card("B", 10, 2)), "whose process it is cannot be told"
    assert inside("@gpu\nNVIDIA-SMI has failed\n").cards == ()
    assert inside("@gpu\n").cards is None


@pytest.mark.parametrize(
    "text",
    ["", "@", "@process\n", "@process x\n1 2 3", "@process 7\nno stat at all", "@cgroup\nmemory.current nan\n",
     "@cgroup\nmemory.max max\n", "@disk\ndf: /models: no such file\n", "@memory\nMemTotal: -5 kB\n", "\x00\xff@apps"],
)  # fmt: skip
def test_nonsense_is_not_known(text: str) -> None:
    seen = inside(text)
    assert (seen.processes, seen.used, seen.limit, seen.disks, seen.total, seen.cards) == (
        (),
        None,
        None,
        (),
        None,
        None,
    )
    assert seen.runners == {}
