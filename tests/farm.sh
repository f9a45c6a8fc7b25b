#!/usr/bin/env bash
# What one daemon costs a node with very many Gluster volumes, and how quickly it answers there. Not a part of the suite: it takes a quarter of an hour.
# A glusterd of its own, in namespaces of its own, gets volumes of one brick; most are only created, since a started one has a process.
#
#   tests/farm.sh [--volumes N] [--started N] [--minutes N]     as root, with the daemon in artifacts/storagehost
#
# It fails when the daemon does not know every volume, or runs two gluster commands at once; when it takes longer than 100 ms for half of
# the answers of a minute; and when its memory at the end is a fifth above that after two minutes.
set -euo pipefail
volumes=300 started=10 minutes=10
most_milliseconds=100 most_growth=20

while (($#)); do
    case $1 in
    --volumes) volumes=$2 ;;
    --started) started=$2 ;;
    --minutes) minutes=$2 ;;
    --inside) break ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
    esac
    shift 2
done

if [[ ${1:-} != --inside ]]; then
    cd "$(dirname "$0")/.."
    . tests/common.sh
    install_lab
    [[ -x artifacts/storagehost/storagehost ]] || dotnet publish src/StorageHost -c Release -o artifacts/storagehost
    mkdir -p /var/lib/glusterd /var/log/glusterfs
    farm=$(mktemp -d /var/tmp/storagehost-farm.XXXXXX)
    trap 'rm -rf --one-file-system "$farm"' EXIT

    # Its end is the end of all that it started.
    unshare -m -u -n -p --fork --mount-proc --kill-child \
        "$0" --volumes "$volumes" --started "$started" --minutes "$minutes" --inside "$farm" "$PWD/artifacts/storagehost/storagehost"
    exit
fi

farm=$2 program=$3
node=farm1 address=10.199.9.1 url=http://127.0.0.1:33833 ticks=$(getconf CLK_TCK)

name() { printf 'farm%04d' "$1"; }
cli() { gluster --mode=script "$@" >>"$farm/cli.log"; }
# How many gluster commands run. A program that one starts in turn has its name until the exec.
commands() {
    { cat /proc/[0-9]*/stat 2>/dev/null || true; } | awk '
        $2 == "(gluster)" { parent[$1] = $4 }
        END { for (one in parent) count += !(parent[one] in parent); print count + 0 }'
}
resident() { awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$1/status"; }

# The seconds of a core that a process took; with those of its children that ended, when asked.
seconds() { awk -v hz="$ticks" -v all="${2:-0}" '{ sub(/.*\) /, ""); printf "%.2f", ($12 + $13 + all * ($14 + $15)) / hz }' "/proc/$1/stat"; }
# The same of all bricks together. None of them ends while it is measured.
brick_seconds() { for brick in $(pgrep -x glusterfsd); do seconds "$brick"; echo; done | awk '{ sum += $1 } END { printf "%.2f", sum }'; }
since() { awk -v now="$1" -v then="$2" 'BEGIN { printf "%.2f", now - then }'; }

mount --make-rprivate /
mount -t tmpfs run /run
mkdir -p /run/gluster /run/lock "$farm/lib" "$farm/log" "$farm/bricks" "$farm/images"
mount --bind "$farm/lib" /var/lib/glusterd
mount --bind "$farm/log" /var/log/glusterfs
printf '127.0.0.1 localhost\n%s %s\n' "$address" "$node" >"$farm/hosts"
mount --bind "$farm/hosts" /etc/hosts
hostname "$node"
ip link set lo up
ip addr add "$address/32" dev lo
glusterd -p /run/glusterd.pid
for _ in $(seq 100); do cli pool list && break; sleep 0.2; done

began=$SECONDS
for number in $(seq "$volumes"); do
    cli volume create "$(name "$number")" "$node:$farm/bricks/$number" force
    ((number > started)) || cli volume start "$(name "$number")"
done
echo "$volumes volumes, $started of them started, made in $((SECONDS - began)) s"

management=$(cat /run/glusterd.pid)
before=$(seconds "$management") before_bricks=$(brick_seconds)
sleep 60
echo "glusterd, $(resident "$management") MB, without a daemon for a minute: $(since "$(seconds "$management")" "$before") s of a core," \
    "its bricks $(since "$(brick_seconds)" "$before_bricks") s"

"$program" --Urls "$url" --Storage:Directory "$farm/images" >"$farm/daemon.out" 2>"$farm/daemon.err" &
daemon=$!
for _ in $(seq 100); do curl -sf "$url/readyz" >"$farm/answer" && break; sleep 0.2; done
for _ in $(seq 100); do
    curl -s "$url/imagestorages/internal" >"$farm/answer"
    (($(jq '.gluster_volumes | length' "$farm/answer") < volumes)) || break
    sleep 0.5
done
tools=$(pgrep -P "$daemon" -f tool-host)

echo "minute  glusterd s  bricks s  daemon s  CLI s  daemon MB  ms: half, slowest  gluster at once"
of_management=$(seconds "$management") of_daemon=$(seconds "$daemon") of_tools=$(seconds "$tools" 1) of_bricks=$(brick_seconds)
most_ever=0 slowest=0 memory_before=0
for minute in $(seq "$minutes"); do
    most=0
    : >"$farm/times"
    for _ in $(seq 60); do
        for _ in $(seq 9); do
            now=$(commands)
            most=$((now > most ? now : most))
            sleep 0.1
        done
        curl -s -o "$farm/answer" -w '%{time_total}\n' "$url/imagestorages/internal" >>"$farm/times"
    done
    most_ever=$((most > most_ever ? most : most_ever))
    known=$(jq '.gluster_volumes | length' "$farm/answer")
    ok=$(jq '[.gluster_volumes[] | select(.status == "ok")] | length' "$farm/answer")
    sort -n "$farm/times" >"$farm/sorted"
    half=$(awk 'NR == 30 { print $1 * 1000 }' "$farm/sorted")
    slowest=$(printf '%s\n' "$half" "$slowest" | sort -n | tail -n 1)
    memory=$(resident "$daemon")
    ((minute > 2)) || memory_before=$memory
    printf '%6d  %10s  %8s  %8s  %5s  %9d  %10.1f, %7.1f  %d\n' "$minute" \
        "$(since "$(seconds "$management")" "$of_management")" "$(since "$(brick_seconds)" "$of_bricks")" \
        "$(since "$(seconds "$daemon")" "$of_daemon")" "$(since "$(seconds "$tools" 1)" "$of_tools")" "$memory" \
        "$half" "$(awk 'END { print $1 * 1000 }' "$farm/sorted")" "$most"
    ((known == volumes && ok == started)) || { echo "$known volumes are known, $ok of them ok" >&2; exit 1; }
done
((most_ever == 1)) || { echo "at most $most_ever gluster commands ran at once" >&2; exit 1; }
awk -v slowest="$slowest" -v most="$most_milliseconds" 'BEGIN { exit !(slowest <= most) }' \
    || { echo "half of the answers of a minute took $slowest ms, more than $most_milliseconds" >&2; exit 1; }
((memory * 100 <= memory_before * (100 + most_growth))) \
    || { echo "the daemon's memory went from $memory_before MB to $memory MB, by more than $most_growth %" >&2; exit 1; }
