# Takes away what carries a swarm's label, or any swarm's; says each thing. Arguments: swarm or "", "look" to change nothing.
set -u
filter="label=swarmctl.swarm${1:+=$1}"
look=${2:-}
command -v docker >/dev/null || exit 0
docker version -f '{{.Server.Version}}' >/dev/null || exit 1
failed=0
take() {
  kind=$1; id=$2; shift 2
  echo "$kind $id"
  [ "$look" = look ] || "$@" >/dev/null || failed=1
}
running=$(docker ps -q --filter "$filter")
# shellcheck disable=SC2086
[ -z "$running" ] || [ "$look" = look ] || docker stop -t 30 $running >/dev/null || failed=1
for one in $(docker ps -aq --filter "$filter"); do take container "$one" docker rm -f -v "$one"; done
for one in $(docker network ls -q --filter "$filter"); do take network "$one" docker network rm "$one"; done
for one in $(docker volume ls -q --filter "$filter"); do take volume "$one" docker volume rm "$one"; done
exit "$failed"
