"""One look into a container, by the shell that every image has: nothing is installed, nothing is changed."""

from swarmctl.core.insideview import Inside, inside
from swarmctl.effects.proving.runtime import Containers
from swarmctl.errors import SwarmctlError

SCRIPT = r"""
for p in /proc/[0-9]*; do
  line=$(tr '\0' ' ' <"$p/cmdline") || continue
  echo "@process ${p#/proc/}"
  cat "$p/stat"; echo "$line"
  grep '^VmRSS' "$p/status"
  case $line in
    "ollama serve "*|/*/"ollama serve "*) case $line in *" -- "*) ;; *) serve=$p ;; esac ;;
  esac
done 2>/dev/null
echo "@environ"
[ -n "$serve" ] && tr '\0' '\n' <"$serve/environ" 2>/dev/null
echo "@cgroup"
for f in current max events stat usage_in_bytes limit_in_bytes oom_control; do
  for g in "/sys/fs/cgroup/memory.$f" "/sys/fs/cgroup/memory/memory.$f"; do
    [ -r "$g" ] && grep -E '^[0-9]|^oom_kill |inactive_file ' "$g" | sed "s|^|memory.$f |"
  done
done
echo "@memory"; grep -E '^Mem(Total|Available):' /proc/meminfo
echo "@disk"; df -Pk "$@" 2>/dev/null
if command -v nvidia-smi >/dev/null; then
  echo "@gpu"; nvidia-smi --query-gpu=name,memory.total,memory.used --format=csv,noheader,nounits
  echo "@apps"; nvidia-smi --query-compute-apps=gpu_uuid,pid,used_memory --format=csv,noheader,nounits
fi
true
"""
"""Prints sections that core/insideview reads. `serve` is the engine itself, not the init that started it."""


def peek(runtime: Containers, service: str, *folders: str) -> Inside | None:
    """What a container shows of itself; None when nothing can be run in it. folders: whose disks are looked at."""
    try:
        ran = runtime.inside(service, ["bash", "-c", SCRIPT, "peek", *folders], seconds=20)
    except SwarmctlError:
        return None
    return inside(ran.text) if "@cgroup" in ran.text else None
