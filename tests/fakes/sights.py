"""What a probe and Docker say of a container whose walls all stand, for judges; tests take one wall down at a time."""

from dataclasses import replace
from typing import Any

from swarmctl.core.sealsight import Around, ImageSeen, Listener, Seen, sight

ID = "c" * 64
IMAGE = f"sha256:{'a' * 64}"
LINES = """\
status\tUid\t10001 10001 10001 10001
status\tGid\t10001 10001 10001 10001
status\tGroups\t10001
status\tCapInh\t0000000000000000
status\tCapPrm\t0000000000000000
status\tCapEff\t0000000000000000
status\tCapBnd\t0000000000000000
status\tCapAmb\t0000000000000000
status\tNoNewPrivs\t1
status\tSeccomp\t2
process\t1 docker-init\t10001 10001 10001 10001
mount\t/\toverlay ro,relatime /
mount\t/proc\tproc rw,nosuid,nodev,noexec,relatime /
mount\t/data\text4 rw,relatime /srv/data/agent-backend
mount\t/tmp\ttmpfs rw,nosuid,nodev,noexec,relatime /
mount\t/run/secrets/agents.token\text4 ro,relatime /srv/secrets/agents.token
write\t/\tEROFS
write\t/var/tmp\tEROFS
write\t/tmp\tdone
chown\t/tmp to 10002\tEPERM
file\t/sys/fs/cgroup/pids.max\t256
file\t/sys/fs/cgroup/memory.max\t671088640
file\t/sys/fs/cgroup/memory.swap.max\t0
setuid\t/usr/bin/su\t10001 10001 10001 10001
unshare\tuser namespace\tEPERM
socket\traw ICMP\tEPERM
socket\tpacket\tEPERM
socket\tvsock\tEPERM
route\t000013AC/0000FFFF\teth0 via 00000000
resolver\t0\tnameserver 127.0.0.11
tcp\t1.1.1.1:443\tENETUNREACH
tcp\t169.254.169.254:80\tENETUNREACH
tcp\t172.19.0.1:40000\ttimeout
tcp\t172.30.0.2:8080\ttimeout
tcp\t172.19.0.5:8080\treached
icmp\t1.1.1.1\tENETUNREACH
dns\tabc.example.com at 127.0.0.11\tSERVFAIL
http\thttp://1.1.1.1/\tENETUNREACH
secret\tagents.token\t0600 uid 10001
searched\t/proc/1/environ\t300
wheel\th11\t0.16.0
forks\ttried\trefused: can't start new thread after 251, with 256 in the container
end\t\t
"""


def inspected() -> dict[str, Any]:
    """`docker inspect`, as far as it is read."""
    return {
        "Id": ID,
        "Image": IMAGE,
        "Config": {"User": "10001:10001", "Labels": {"swarmctl.swarm": "demo"}},
        "Mounts": [],
        "HostConfig": {
            "ReadonlyRootfs": True, "Privileged": False, "CapAdd": None, "Devices": None, "NetworkMode": "demo-agents",
            "IpcMode": "private", "PidMode": "", "SecurityOpt": ["no-new-privileges:true"], "Dns": ["127.0.0.1"],
            "PidsLimit": 256, "Memory": 671088640, "LogConfig": {"Config": {"max-size": "10m", "max-file": "3"}},
        },
        "NetworkSettings": {"Networks": {"demo-agents": {"IPAddress": "172.19.0.4", "NetworkID": "n1"}}},
    }  # fmt: skip


def network(**more: Any) -> dict[str, Any]:
    """An internal network of the swarm."""
    own = {"Id": "0123456789abcdef", "Name": "demo-agents", "Internal": True, "Options": {}, "Strangers": []}
    return {**own, "Labels": {"swarmctl.swarm": "demo"}, **more}


def agent(was: str = "", now: str = "", *, service: str = "agent-backend", **host: Any) -> Seen:
    """An agent whose walls stand; `was` in the probe's lines is replaced, and so are keys of HostConfig."""
    assert was in LINES
    raw = inspected()
    raw["HostConfig"] |= host
    return Seen(service, raw, sight(LINES.replace(was, now) if was else LINES), (network(),), packages=True)


def around(**more: Any) -> Around:
    """What is around it."""
    found = Around(
        outside=("1.1.1.1:443",),
        metadata=("169.254.169.254:80",),
        others=("172.30.0.2:8080",),
        reached=frozenset(("172.30.0.2:8080",)),
        neighbours=("172.19.0.5:8080",),
        listener=Listener(("172.19.0.1:40000",)),
        searched={"agent-backend/inspect": 9000, "agent-backend/log": 300},
        images={ID: ImageSeen("swarmctl/agent:0.1.0", frozenset((IMAGE,)), read=1000)},
        locked={"h11": "0.16.0"},
        hashed=True,
    )
    return replace(found, **more)
