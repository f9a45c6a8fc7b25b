#!/usr/bin/env bash
# Boots systemd as process 1 over a copy of this machine's files that is gone with it. Runs in namespaces of its own:
#   unshare --mount --pid --uts --ipc --net --cgroup --fork --kill-child machine.sh PACKAGES
# PACKAGES is a directory that the machine finds as /run/packages.
set -euo pipefail
packages=$1
readonly BASE=/mnt ROOT=/mnt/root

mount --make-rprivate /
mount -t tmpfs tmpfs "$BASE"
mkdir "$BASE"/{changes,work,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$BASE/changes,workdir=$BASE/work" "$ROOT"
mount -t proc proc "$ROOT/proc"
mount --rbind /dev "$ROOT/dev"
mount --rbind /sys "$ROOT/sys"
for directory in run tmp var/tmp var/lib/glusterd var/log/glusterfs; do
    mkdir -p "$ROOT/$directory"
    mount -t tmpfs tmpfs "$ROOT/$directory"
done
mkdir "$ROOT/run/packages"
cp "$packages"/*.deb "$ROOT/run/packages"

# Of this machine's own services none is wanted, and devices are this machine's to look after.
rm -rf "$ROOT"/etc/systemd/system/*.wants "$ROOT/usr/sbin/policy-rc.d"
for unit in systemd-udevd.service systemd-udev-trigger.service systemd-udevd-kernel.socket systemd-udevd-control.socket \
    systemd-timesyncd.service systemd-networkd.service systemd-resolved.service; do
    ln -sf /dev/null "$ROOT/etc/systemd/system/$unit"
done
hostname machine
echo "127.0.0.1 localhost machine" >"$ROOT/etc/hosts"
ip link set lo up

cd "$ROOT"
mkdir before
pivot_root . before
umount -l before
# As on any machine, what is mounted later is seen by services that have begun.
mount --make-rshared /
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=basic.target
