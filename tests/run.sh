#!/usr/bin/env bash
# Runs every test: installs what they need, builds, publishes the daemon, tests. The last line is "N passed, N failed, N skipped".
set -euo pipefail
cd "$(dirname "$0")/.."

# No build server may outlive the script.
export MSBUILDDISABLENODEREUSE=1 UseSharedCompilation=false DOTNET_CLI_USE_MSBUILD_SERVER=0 DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
# Programs of administrators are not on everyone's path.
export PATH="$PATH:/usr/sbin:/sbin"

results=artifacts/test-results
lock=/var/tmp/storagehost-it.lock
sweep=tests/StorageHost.IntegrationTests/Fixtures/sweep.sh

install_missing() {
    local program package missing=()
    while read -r program package; do
        command -v "$program" >/dev/null || missing+=("$package")
    done <<'END'
qemu-img qemu-utils
qemu-nbd qemu-utils
glusterd glusterfs-server
mount.glusterfs glusterfs-client
mkfs.xfs xfsprogs
setfattr attr
ip iproute2
strace strace
jq jq
curl curl
kill procps
find findutils
flock util-linux
losetup mount
END
    ((${#missing[@]})) || return 0
    if ((EUID != 0)); then
        echo "Missing; run as root, or install first: apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# Whatever the tests could not take down themselves, unless another run is under way and it is that one's.
guard() {
    if [[ $EUID -eq 0 && -e $lock ]]; then
        flock -w 10 "$lock" bash "$sweep" || true
    fi
}

# The counts of one project as its results file has them; what was neither passed nor skipped has failed.
count() {
    local counters total executed passed
    counters=$(grep -o '<Counters [^>]*>' "$1") || return 1
    total=$(sed -E 's/.* total="([0-9]+)".*/\1/' <<<"$counters")
    executed=$(sed -E 's/.* executed="([0-9]+)".*/\1/' <<<"$counters")
    passed=$(sed -E 's/.* passed="([0-9]+)".*/\1/' <<<"$counters")
    echo "$passed $((executed - passed)) $((total - executed))"
}

command -v dotnet >/dev/null || { echo "The .NET 10 SDK is missing: dotnet must be on the PATH." >&2; exit 1; }
install_missing
trap guard EXIT
dotnet build StorageHost.sln -c Release -nodeReuse:false
rm -rf artifacts/storagehost "$results" artifacts/test-logs
dotnet publish src/StorageHost -c Release -o artifacts/storagehost -nodeReuse:false

passed=0 failed=0 skipped=0
for project in StorageHost.Tests StorageHost.IntegrationTests; do
    ended=0
    dotnet test "tests/$project" -c Release --no-build --results-directory "$results" \
        --logger "trx;LogFileName=$project.trx" --logger "console;verbosity=normal" \
        --blame-hang-timeout 8m --blame-hang-dump-type none || ended=$?
    if read -r p f s < <(count "$results/$project.trx"); then
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
        # A run that broke off has failed even if every test it got to has passed.
        ((ended == 0 || f > 0)) || failed=$((failed + 1))
    else
        echo "$project left no results." >&2
        failed=$((failed + 1))
    fi
done

guard
trap - EXIT
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0 && passed > 0)) || exit 1
if [[ ${CI:-} == true ]] && ((skipped > 0)); then
    exit 1
fi
