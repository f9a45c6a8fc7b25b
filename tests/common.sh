# shellcheck shell=bash
# What tests/run.sh and tests/bench.sh have in common; they source it at the repository's root.

# No build server may outlive the script.
export MSBUILDDISABLENODEREUSE=1 UseSharedCompilation=false DOTNET_CLI_USE_MSBUILD_SERVER=0 DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
# Programs of administrators are not on everyone's path.
export PATH="$PATH:/usr/sbin:/sbin"

lock=/var/tmp/storagehost-it${STORAGEHOST_LAB:-0}.lock
sweep=tests/StorageHost.IntegrationTests/Fixtures/sweep.sh

# Installs the packages of the programs that are not there; the lines on standard input name a program and its package.
install_missing() {
    local program package missing=()
    while read -r program package; do
        command -v "$program" >/dev/null || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    if ((EUID != 0)); then
        echo "Missing; run as root, or install first: apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    apt-get install -q -y --no-install-recommends "${missing[@]}"
}

need_dotnet() {
    command -v dotnet >/dev/null || { echo "The .NET 10 SDK is missing: dotnet must be on the PATH." >&2; exit 1; }
}

# What every run on real storage needs.
install_lab() {
    need_dotnet
    install_missing <<'END'
qemu-img qemu-utils
qemu-nbd qemu-utils
qemu-storage-daemon qemu-system-common
glusterd glusterfs-server
mount.glusterfs glusterfs-client
mkfs.xfs xfsprogs
mkfs.ext4 e2fsprogs
setfattr attr
ip iproute2
strace strace
jq jq
curl curl
kill procps
find findutils
dh debhelper
lintian lintian
man man-db
systemctl systemd
openssl openssl
runuser util-linux
flock util-linux
losetup mount
promtool prometheus
END
}

# Whatever a run could not take down itself, unless another run is under way and it is that one's.
guard() {
    if [[ $EUID -eq 0 && -e $lock ]]; then
        flock -w 10 "$lock" bash "$sweep" || true
    fi
}
