#!/usr/bin/env bash
# Runs every test: installs what they need, builds, publishes the daemon and its packages, tests. The last line is "N passed, N failed, N skipped".
#
#   tests/run.sh         every test, as root: half an hour on two cores
#   tests/run.sh unit    the fast tests alone, as any user: they need qemu-utils and no storage; some two minutes with the build
set -euo pipefail
cd "$(dirname "$0")/.."

. tests/common.sh

results=artifacts/test-results

# The counts of one project as its results file has them; what was neither passed nor skipped has failed.
count() {
    local counters total executed passed
    counters=$(grep -o '<Counters [^>]*>' "$1") || return 1
    total=$(sed -E 's/.* total="([0-9]+)".*/\1/' <<<"$counters")
    executed=$(sed -E 's/.* executed="([0-9]+)".*/\1/' <<<"$counters")
    passed=$(sed -E 's/.* passed="([0-9]+)".*/\1/' <<<"$counters")
    echo "$passed $((executed - passed)) $((total - executed))"
}

passed=0 failed=0 skipped=0
case $# in
0)
    projects=(StorageHost.Tests StorageHost.IntegrationTests)
    install_lab
    trap guard EXIT
    dotnet build StorageHost.sln -c Release -nodeReuse:false
    rm -rf artifacts/storagehost "$results" artifacts/test-logs
    # The demo publishes the daemon, and is a test itself.
    if deploy/demo.sh --once; then passed=1; else failed=1; fi
    deploy/package.sh
    ;;
*)
    [[ $* == unit ]] || { sed -n '4,5s/^# \{0,1\}//p' "$0" >&2; exit 64; }
    projects=(StorageHost.Tests)
    need_dotnet
    install_missing <<<'qemu-img qemu-utils'
    dotnet build tests/StorageHost.Tests -c Release -nodeReuse:false --verbosity quiet
    rm -f "$results/StorageHost.Tests.trx"
    ;;
esac

# Only what failed is printed; the results files have every test with its time. A shell that starts this in the background makes it ignore
# interrupts, and with it the programs that the tests interrupt.
for project in "${projects[@]}"; do
    ended=0
    env --default-signal=INT,QUIT dotnet test "tests/$project" -c Release --no-build --results-directory "$results" \
        --logger "trx;LogFileName=$project.trx" --logger "console;verbosity=minimal" \
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

if (($# == 0)); then
    guard
    trap - EXIT
fi
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0 && passed > 0)) || exit 1
if [[ ${CI:-} == true ]] && ((skipped > 0)); then
    exit 1
fi
