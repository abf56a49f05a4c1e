# Runs inside an engine's container by `bash -c`, which has no Python: the same lines as sealprobe.py, fewer of them.
# Arguments: HOST/PORT of every TCP connection to try.
line() { printf '%s\t%s\t%s\n' "$1" "$2" "$3"; }
while IFS=$':\t' read -r name value; do
  case $name in Uid | Gid | Groups | CapInh | CapPrm | CapEff | CapBnd | CapAmb | NoNewPrivs | Seccomp) line status "$name" "${value//$'\t'/ }" ;; esac
done </proc/self/status
for place in /proc/[0-9]*; do
  while IFS=$':\t' read -r name value; do
    case $name in Name) called=$value ;; Uid) line process "${place#/proc/} $called" "${value//$'\t'/ }" ;; esac
  done <"$place/status"
done 2>/dev/null
while read -r _ _ _ root point options rest; do
  kind=${rest#*- }
  line mount "$point" "${kind%% *} $options $root"
  [ -S "$point" ] && line unix "$point" present
done </proc/self/mountinfo
for path in /var/run/docker.sock /run/docker.sock /run/containerd/containerd.sock; do
  [ -S "$path" ] && line unix "$path" present
done
for place in / /etc /usr/local /opt /home /root /var/tmp /run /tmp; do
  if said=$( { : >"$place/.seal-$$"; } 2>&1); then
    rm -f "$place/.seal-$$"
    line write "$place" "done"
  else
    case $said in *"Read-only file system"*) said=EROFS ;; *"Permission denied"*) said=EACCES ;; *) said=${said##*: } ;; esac
    line write "$place" "$said"
  fi
done
for path in pids.max memory.max memory.swap.max pids/pids.max memory/memory.limit_in_bytes memory/memory.memsw.limit_in_bytes; do
  [ -r "/sys/fs/cgroup/$path" ] && line file "/sys/fs/cgroup/$path" "$(</sys/fs/cgroup/$path)"
done
while read -r device to via _ _ _ _ mask _; do
  [ "$device" = Iface ] || line route "$to/$mask" "$device via $via"
done </proc/net/route
[ ! -r /proc/net/ipv6_route ] || while read -r to bits _ _ via _ _ _ _ device; do
  [ "$device" = lo ] || line route6 "$to/$bits" "$device via $via"
done </proc/net/ipv6_route
number=0
while read -r said; do
  case $said in nameserver* | *ExtServers*) line resolver "$number" "$said" ;; esac
  number=$((number + 1))
done </etc/resolv.conf
for target in "$@"; do
  {
    said=$(timeout 1.5 bash -c "exec 3<>/dev/tcp/$target" 2>&1)
    case $?:$said in
      0:*) said=reached ;; 124:*) said=timeout ;;
      *"unreachable"*) said=ENETUNREACH ;; *"No route to host"*) said=EHOSTUNREACH ;; *"refused"*) said=ECONNREFUSED ;;
      *) said=${said##*: } ;;
    esac
    host=${target%/*}
    case $host in *:*) host="[$host]" ;; esac
    line tcp "$host:${target##*/}" "${said//$'\n'/ }"
  } &
done
wait
line end "" ""
