# One look at a machine, part by part; it changes nothing. Arguments: a word that begins each part, a folder whose
# disk is asked about, names of images.
token=$1 folder=$2
shift 2
export LC_ALL=C
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

part() { printf '\n%s %s\n' "$token" "$1"; }

limited() {
  if command -v timeout >/dev/null 2>&1; then timeout 15 "$@"; else "$@"; fi
}

engine() {
  if [ "$way" = sudo ]; then limited sudo -n docker "$@"; else limited docker "$@"; fi
}

cards() {
  said=$(limited nvidia-smi --query-gpu="$1" --format=csv,noheader,nounits 2>&1)
  code=$?
}

exec 2>/dev/null
part name; uname -n
part system; uname -s; uname -m
part release; head -c 4096 /etc/os-release
part cores; nproc || getconf _NPROCESSORS_ONLN
part memory; head -c 4096 /proc/meminfo
part limit; cat /sys/fs/cgroup/memory.max || cat /sys/fs/cgroup/memory/memory.limit_in_bytes
part used; cat /sys/fs/cgroup/memory.current || cat /sys/fs/cgroup/memory/memory.usage_in_bytes
while [ ! -e "$folder" ]; do folder=${folder%/*} && folder=${folder:-/}; done
part disk; df -Pk "$folder"
part flags; grep -m 1 '^flags' /proc/cpuinfo | head -c 16384
part init; if [ -d /run/systemd/system ]; then echo systemd; fi
part user; id -u
part sudo; if limited sudo -n true </dev/null; then echo yes; fi
part cards
code=1
if command -v nvidia-smi >/dev/null; then
  cards name,memory.total,compute_cap,uuid
  if [ "$code" -ne 0 ]; then cards name,memory.total,uuid; fi
  printf 'exit %s\n%s\n' "$code" "$said"
fi
part server
if [ "$code" = 0 ]; then
  server=$(command -v llama-server) || server=/app/llama-server
  if [ -x "$server" ]; then limited "$server" --list-devices; fi
fi
part docker
way=
if command -v docker >/dev/null; then
  said=$(engine version --format '{{.Server.Version}}' 2>&1)
  code=$?
  if [ "$code" -ne 0 ] && way=sudo && again=$(engine version --format '{{.Server.Version}}'); then
    said=$again code=0
  fi
  printf 'exit %s\n%s\n' "$code" "$said"
  part compose; engine compose version --short
  part images
  at=0
  for image; do
    printf '%s %s\n' "$at" "$(engine image inspect --format '{{.Id}}' "$image" | head -n 1)"
    at=$((at + 1))
  done
fi
part end
