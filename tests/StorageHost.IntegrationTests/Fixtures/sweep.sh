#!/usr/bin/env bash
# Ends and removes whatever a run of the integration tests made: processes, mounts, loop devices, namespaces, files.
# The names are fixed, so this also clears up after a run that was killed. The caller holds the lock beside the directory.
set -uo pipefail
lab=/var/tmp/storagehost-it${STORAGEHOST_LAB:-0} prefix=sthit${STORAGEHOST_LAB:-0}-
shopt -s nullglob

pids_of_run() {
    for node in 1 2 3; do ip netns pids "$prefix$node" 2>/dev/null; done
    for file in "$lab"/pids/*; do # a number may have gone to another process since: its command line tells
        grep -qaF "$lab" "/proc/${file##*/}/cmdline" 2>/dev/null && echo "${file##*/}"
    done
}

# What waits for a frozen file system cannot be killed.
for mounted in "$lab"/cluster/brick[123]; do [ -d "$mounted" ] && fsfreeze -u "$mounted" 2>/dev/null; done

for _ in $(seq 100); do
    mapfile -t pids < <(pids_of_run)
    ((${#pids[@]} == 0)) && break
    kill -KILL "${pids[@]}" 2>/dev/null
    sleep 0.1
done

while read -r mounted; do umount -l "$mounted"; done < <(awk -v lab="$lab/" 'index($2, lab) == 1 { print $2 }' /proc/mounts | tac)
losetup -ln -O NAME,BACK-FILE | awk -v lab="$lab/" 'index($2, lab) == 1 { print $1 }' | xargs -r -n 1 losetup -d
for node in 1 2 3; do # a connection that was cut off keeps its namespace for minutes, and the wire into it
    ip link del "${prefix}v$node" 2>/dev/null
    ip netns del "$prefix$node" 2>/dev/null
done
ip link del "${prefix}0" 2>/dev/null
[ ! -d "$lab" ] || rm -rf --one-file-system "$lab"

left=$(pids_of_run; grep -F "$lab/" /proc/mounts; ip -br link | grep "^$prefix"; ip netns list 2>/dev/null | grep "^$prefix")
[ -z "$left" ] || { echo "left over: $left" >&2; exit 1; }
