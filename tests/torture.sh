#!/usr/bin/env bash
# The long part of the torture suite: the same tests as in tests/run.sh with larger counts. Prints its seed; --seed replays its choices.
#
#   tests/torture.sh [--seed N] [--minutes M] [case…]
#
# A case is a part of a test's name (Kill, Error, Power, Brick, Template, Full, Held, CutOff, Hostile, Mutated, TwoNodes, ForgottenLock, Soak); without one, all of them.
# All of them at their full counts take some three hours; --minutes (30 by default) takes that share of each count. Run tests/run.sh first: it
# installs and builds.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/common.sh
full=180 full_scale=10

seed=$((RANDOM << 15 | RANDOM)) minutes=30 cases=()
while (($#)); do
    case $1 in
    --seed) seed=$2; shift 2 ;;
    --minutes) minutes=$2; shift 2 ;;
    -*) sed -n '4,8s/^# \{0,1\}//p' "$0" >&2; exit 64 ;;
    *) cases+=("$1"); shift ;;
    esac
done
((${#cases[@]})) || cases=(.Torture. TwoNodes ForgottenLock)

scale=$((minutes * full_scale / full))
export TORTURE_SEED=$seed TORTURE_SCALE=$((scale > 2 ? scale : 2))
filter=$(printf '|FullyQualifiedName~%s' "${cases[@]}")

echo "TORTURE_SEED=$TORTURE_SEED TORTURE_SCALE=$TORTURE_SCALE; again: tests/torture.sh --seed $seed --minutes $minutes ${cases[*]}"
dotnet test tests/StorageHost.IntegrationTests -c Release --no-build --filter "${filter#|}" \
    --results-directory artifacts/test-results --logger "trx;LogFileName=torture-$seed.trx" --logger "console;verbosity=detailed"
