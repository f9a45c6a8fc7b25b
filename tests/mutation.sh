#!/usr/bin/env bash
# The suite proves itself: takes one safety step at a time out of a scratch copy of the daemon and demands that the tests go red.
#
#   tests/mutation.sh [mutation…]
#
# A mutation is tests/mutations/<name>.patch; its first lines say what is missing then and which tests must notice. Without a name, all of
# them. A patch that no longer applies is an error: then the step is somewhere else, and so must be the patch. Needs what tests/run.sh needs.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/common.sh
export TORTURE_SEED=${TORTURE_SEED:-1}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
git ls-files -z --cached --others --exclude-standard | tar --null -T - -c | tar -x -C "$scratch"
patches=("${@/#/tests/mutations/}")
patches=("${patches[@]/%/.patch}")
(($#)) || patches=(tests/mutations/*.patch)

header() { sed -n "s/^$1: //p" "$2"; }

# Builds what the tests of a mutation need: those of the published daemon, which do not change with it, or those in process. Neither needs
# to be analysed or compiled ahead, and what a mutation leaves unused is no error.
build() {
    local quick=(-c Release -nodeReuse:false -p:RunAnalyzers=false -p:TreatWarningsAsErrors=false -p:PublishReadyToRun=false)
    if [[ $1 == unit ]]; then
        dotnet build tests/StorageHost.Tests "${quick[@]}"
    else
        dotnet publish src/StorageHost -o artifacts/storagehost "${quick[@]}" || return
        [[ -d tests/StorageHost.IntegrationTests/bin ]] || dotnet build tests/StorageHost.IntegrationTests "${quick[@]}"
    fi
}

project() { [[ $1 == unit ]] && echo tests/StorageHost.Tests || echo tests/StorageHost.IntegrationTests; }

# The tests of a patch, in the scratch copy as it is now.
run() {
    local kind=$1 filter=$2 log=$3
    (cd "$scratch" && build "$kind" >"$log" 2>&1) || { echo "does not build: $log" >&2; tail -n 20 "$log" >&2; return 2; }
    (cd "$scratch" && dotnet test "$(project "$kind")" -c Release --no-build --filter "$filter" >"$log" 2>&1) || return 1
    # A filter that matches nothing must not pass for green.
    grep -qE 'Passed: +[1-9]' "$log" || { echo "no test was run: $filter" >&2; return 2; }
}

# Whether the tests pass on the sound daemon; asked once for all mutations that have the same ones.
declare -A sound
check_sound() {
    [[ -z ${sound["$1 $2"]:-} ]] || return 0
    run "$1" "$2" "$scratch/sound.log" || { echo "These tests fail on the sound daemon: $2" >&2; tail -n 40 "$scratch/sound.log" >&2; exit 2; }
    sound["$1 $2"]=yes
}

survived=0
printf '| without | noticed by | |\n| --- | --- | --- |\n'
for patch in "${patches[@]}"; do
    name=$(basename "$patch" .patch) what=$(header Without "$patch") kind=$(header Kind "$patch") filter=$(header Tests "$patch")
    log=$scratch/$name.log ended=0
    check_sound "$kind" "$filter"
    (cd "$scratch" && git apply "tests/mutations/$name.patch")
    run "$kind" "$filter" "$log" || ended=$?
    (cd "$scratch" && git apply -R "tests/mutations/$name.patch")
    ((ended != 2)) || exit 2
    noticed=$(grep -oE '^ *Failed [A-Za-z_.]+' "$log" | sed -E 's/^ *Failed .*\.([A-Za-z]+)\.([A-Za-z_]+)$/`\1.\2`/' | sort -u | head -n 2 | paste -sd' ' || true)
    printf '| %s | %s | %s |\n' "$what" "$noticed" "$([[ $ended -eq 1 ]] && echo red || echo '**survived**')"
    ((ended == 1)) || survived=$((survived + 1))
done

((survived == 0)) || { echo "$survived mutations survived." >&2; exit 1; }
