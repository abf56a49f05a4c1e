# Everything that the roles decide by, read at once; needs a shell and no Python, changes nothing.
LC_ALL=C; export LC_ALL; PATH=$PATH:/usr/sbin:/sbin
say() { printf 'swarmctl|%s|%s\n' "$1" "$(printf %s "$2" | tr '\n|' '  ')"; }
has() { command -v "$1" 2>/dev/null || true; }
(
  . /etc/os-release
  say id "${ID:-}"; say version "${VERSION_ID:-}"; say codename "${VERSION_CODENAME:-}"
)
# Where the packages of this release come from, in either form of apt's lists.
suite=$(. /etc/os-release; echo "${VERSION_CODENAME:-}")
say packages_from "$({ sed -nE "s/^deb +(\[[^]]*\] +)?([^ ]+) +$suite +.*/\2/p" /etc/apt/sources.list \
  /etc/apt/sources.list.d/*.list 2>/dev/null
  awk -v suite="$suite" 'BEGIN { RS = ""; FS = "\n" } {
    uri = ""; here = 0
    for (i = 1; i <= NF; i++) {
      if ($i ~ /^URIs:/) { split($i, words, /[ \t]+/); uri = words[2] }
      if ($i ~ /^Suites:/ && index($i " ", " " suite " ")) here = 1
    }
    if (here && uri) print uri
  }' /etc/apt/sources.list.d/*.sources 2>/dev/null; } | head -1)"
say user "$(id -u)"
say init "$(cat /proc/1/comm)"
say machine "$(uname -m)"
say container "$(systemd-detect-virt --container 2>/dev/null)"
say clock "$(date +%s)"
say memory_mib "$(awk '/^MemTotal:/{print int($2/1024)}' /proc/meminfo)"
say swap_mib "$(awk '/^SwapTotal:/{print int($2/1024)}' /proc/meminfo)"
say free_mib "$(df -Pm /var | awk 'NR==2{print $4}')"
for program in python3 cloud-init docker nvidia-smi nvidia-ctk; do say "has:$program" "$(has "$program")"; done
# The ports that sshd has now: those of its settings, and the one that this very session came in by.
say ssh_ports "$({ sshd -T 2>/dev/null | awk '$1=="port"{print $2}'
  printf '%s\n' "${SSH_CONNECTION:-}" | awk '{print $4}'; } | sort -un | tr '\n' ' ')"
dpkg-query -W -f '${Package} ${db:Status-Abbrev}\n' 2>/dev/null | awk '$2=="ii"{print "swarmctl|package:"$1"|yes"}'
for file in /etc/swarmctl/* /usr/local/lib/swarmctl/* /etc/systemd/system/*swarmctl* /etc/sysctl.d/*swarmctl* \
  /etc/apt/preferences.d/swarmctl* /etc/apt/sources.list.d/swarmctl*; do
  [ -f "$file" ] && say "file:$file" "$(sha256sum < "$file" | cut -c1-64) $(stat -c '%a %U' "$file")"
done
systemctl show -p Id,ActiveState,UnitFileState docker.service swarmctl-firewall.service swarmctl-guard.timer \
  var-lib-swarmctl-swap.swap 2>/dev/null | awk -F= 'function put() { if (id) print "swarmctl|unit:" id "|" active " " file; id = "" }
    $1 == "Id" { id = $2 } $1 == "ActiveState" { active = $2 } $1 == "UnitFileState" { file = $2 } $0 == "" { put() }
    END { put() }'
for name in vm.swappiness vm.max_map_count; do say "sysctl:$name" "$(cat "/proc/sys/$(echo "$name" | tr . /)")"; done
say locale "$(ls -d /etc/default/locale /etc/locale.conf 2>/dev/null)"
say daemon "$(base64 -w0 /etc/docker/daemon.json 2>/dev/null)"
say guard "$(cat /var/lib/swarmctl/guard.armed 2>/dev/null)"
if [ -n "$(has docker)" ]; then
  say compose "$(docker compose version --short 2>/dev/null)"
  docker info -f 'swarmctl|engine|{{.ServerVersion}}
swarmctl|runtimes|{{range $name, $one := .Runtimes}}{{$name}} {{end}}' 2>/dev/null
  # An Engine that knows no CDI calls this question an error.
  docker info -f 'swarmctl|cdi_folders|{{if .CDISpecDirs}}{{.CDISpecDirs}}{{end}}' 2>/dev/null
fi
for route in $(awk '$2=="00000000"{print $1}' /proc/net/route 2>/dev/null); do say "out:$route" yes; done
nft list table inet swarmctl >/dev/null 2>&1 && say firewall yes
cards=0
for card in /sys/bus/pci/devices/*; do
  case "$(cat "$card/vendor" 2>/dev/null) $(cat "$card/class" 2>/dev/null)" in
    "0x10de 0x0300"*|"0x10de 0x0302"*) cards=$((cards + 1));;
  esac
done
say pci_cards "$cards"
say driver "$(nvidia-smi --query-gpu=driver_version --format=csv,noheader 2>/dev/null | head -1)"
say cards "$(nvidia-smi --query-gpu=uuid --format=csv,noheader 2>/dev/null | grep -c '^GPU-')"
say cdi_cards "$(cat /etc/cdi/*.json /etc/cdi/*.yaml /var/run/cdi/*.json /var/run/cdi/*.yaml 2>/dev/null \
  | grep -o 'GPU-[0-9a-f-]*' | sort -u | wc -l)"
say cdi_files "$(grep -ls nvidia.com/gpu /etc/cdi/* /var/run/cdi/* 2>/dev/null)"
exit 0
