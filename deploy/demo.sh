#!/usr/bin/env bash
# Builds StorageHost, starts it on a scratch directory with a small real template, and does its main job with curl.
# Leaves the daemon running to be played with; --once ends it. Needs no settings and touches nothing outside its scratch directory.
set -euo pipefail

readonly FIRST_PORT=33833
readonly START_SECONDS=30 # until /readyz says 200
readonly WAIT_SECONDS=60  # for anything that the daemon does in the background

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
once=false
scratch=""
daemon=""
base=""

main() {
    case "${1-}" in
        "") ;;
        --once) once=true ;;
        *) fail "usage: deploy/demo.sh [--once]" ;;
    esac

    # curl must not ask a proxy for this machine; the build leaves no servers behind.
    export no_proxy="*" NO_PROXY="*"
    export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 MSBUILDDISABLENODEREUSE=1
    trap finish EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP

    need_tools
    build
    make_templates
    start_daemon

    show_images
    show_pool
    show_hits
    show_independence
    show_miss
    show_async
    show_data_disks
    show_errors
    show_deletes
    show_end
}

# ---- Output ---------------------------------------------------------------------------------------------------------------------------

is_terminal=false
if [[ -t 1 && -z ${NO_COLOR-} ]]; then is_terminal=true; fi

heading() {
    if $is_terminal; then printf '\n\033[1;36m%s\033[0m\n' "$*"; else printf '\n== %s\n' "$*"; fi
}

say() { printf '%s\n' "$*"; }

fail() {
    printf 'demo: %s\n' "$*" >&2
    exit 1
}

pretty() { if $is_terminal; then jq -C . "$1"; else jq . "$1"; fi; }

# ---- Calls ----------------------------------------------------------------------------------------------------------------------------

# call STATUS PATH [CURL ARGUMENTS...]: shows the command and its answer, and insists on the status. Leaves $milliseconds, and the
# answer in $scratch/answer for `field` and `expect`.
call() {
    local wanted=$1 path=$2 status seconds argument
    shift 2
    printf '$ curl -s'
    for argument in "$@"; do
        if [[ $argument =~ ^[A-Za-z0-9._/=-]+$ ]]; then printf ' %s' "$argument"; else printf " '%s'" "$argument"; fi
    done
    printf " '%s'\n" "$base$path"

    read -r status seconds < <(fetch "$path" -w '%{http_code} %{time_total}\n' "$@") || true
    [[ ${status:-000} != 000 ]] || fail "no answer to $path"
    milliseconds=$(awk -v s="$seconds" 'BEGIN { printf "%.1f", s * 1000 }')
    if [[ $status == 202 ]]; then
        grep -iE '^(HTTP|Location|Preference-Applied)' "$scratch/headers" | tr -d '\r'
    elif [[ $status != 200 ]]; then
        say "HTTP $status"
    fi
    pretty "$scratch/answer"
    [[ $status == "$wanted" ]] || fail "expected HTTP $wanted, got $status"
}

# fetch PATH [CURL ARGUMENTS...]: the same in silence.
fetch() {
    local path=$1
    shift
    curl -s --max-time "$WAIT_SECONDS" -o "$scratch/answer" -D "$scratch/headers" "$@" "$base$path"
}

field() { jq -r "$1" "$scratch/answer"; }

# expect JQ: insists on something about the last answer.
expect() { jq -e "$1" "$scratch/answer" >/dev/null || fail "the answer is not as it should be: $1"; }

# await PATH JQ: waits until the answer is so.
await() {
    local path=$1 condition=$2 until=$((SECONDS + WAIT_SECONDS))
    until fetch "$path" && jq -e "$condition" "$scratch/answer" >/dev/null; do
        ((SECONDS < until)) || fail "waited $WAIT_SECONDS s for $condition at $path: $(<"$scratch/answer")"
        sleep 0.05
    done
}

# watch JOB: a bar until the job is over. Bytes that are written are not yet a copy: it is fsynced and read back first.
watch() {
    local job=$1 line="" last="" state done_bytes total_bytes done_copies total_copies rate filled until=$((SECONDS + WAIT_SECONDS))
    while :; do
        fetch "/jobs/$job" || fail "no answer to /jobs/$job"
        read -r state done_bytes total_bytes done_copies total_copies rate < <(
            field '[.state, .bytes_done, .bytes_total, .copies_done, .copies_total, .bytes_per_second] | join(" ")')
        filled=$((total_bytes > 0 ? 40 * done_bytes / total_bytes : 0))
        case $state in
            succeeded) filled=40 line="done" ;;
            running) if ((filled < 40)); then line="$((rate >> 20)) MiB/s"; else line="checking what was written"; fi ;;
            *) line=$state ;;
        esac
        printf -v line '[%-40s] %3d %%  %d of %d copies  %s' \
            "$(printf '%*s' "$filled" '' | tr ' ' '#')" $((filled * 100 / 40)) "$done_copies" "$total_copies" "$line"
        if $is_terminal; then printf '\r%s\033[K' "$line"; elif [[ $line != "$last" ]]; then say "$line"; fi
        last=$line
        case $state in queued | running) ;; *) break ;; esac
        ((SECONDS < until)) || fail "the job was not done within $WAIT_SECONDS s: $(field '.error')"
        sleep 0.1
    done
    if $is_terminal; then say; fi
    [[ $state == succeeded ]] || fail "the job ended as $state: $(field '.error')"
}

# prove HOSTNAME: its disk is a sound image and holds what the template holds, as a guest sees it and byte for byte.
prove() {
    local disk="$scratch/images/$1.qcow2" template="$scratch/images/centos_template.img"
    qemu-img check -q -f qcow2 "$disk" || fail "qemu-img check finds $1.qcow2 broken"
    qemu-img compare -q -f qcow2 -F qcow2 "$template" "$disk" || fail "$1.qcow2 differs from its template"
    cmp "$template" "$disk" || fail "$1.qcow2 differs from its template"
    say "Proved: qemu-img check, qemu-img compare and cmp find $1.qcow2 sound and the same as its template."
}

# ---- Preparations ---------------------------------------------------------------------------------------------------------------------

need_tools() {
    local missing=()
    command -v qemu-img >/dev/null && command -v qemu-io >/dev/null || missing+=(qemu-utils)
    command -v curl >/dev/null || missing+=(curl)
    command -v jq >/dev/null || missing+=(jq)
    if ((${#missing[@]} > 0)); then
        if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
            fail "please install ${missing[*]}, e.g.: sudo apt-get install ${missing[*]}"
        fi
        heading "Installing ${missing[*]}"
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    fi
    if ! command -v dotnet >/dev/null || ! dotnet --list-sdks | grep -q '^10\.'; then
        fail "the .NET 10 SDK is missing; https://dotnet.microsoft.com/download/dotnet/10.0 says how to install it"
    fi
}

build() {
    heading "Building"
    dotnet publish "$root/src/StorageHost" -c Release -o "$root/artifacts/storagehost" -v quiet --nologo -p:UseSharedCompilation=false
    say "Built artifacts/storagehost."
}

# 128 MiB of random content and some patterns in a disk of 2 GiB; and a raw one, whose name begins the other's.
make_templates() {
    heading "Two templates"
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/storagehost-demo.XXXXXX")
    mkdir "$scratch/images"
    head -c 128M /dev/urandom >"$scratch/raw"
    truncate -s 2G "$scratch/raw"
    qemu-img convert -f raw -O qcow2 "$scratch/raw" "$scratch/centos"
    qemu-io -f qcow2 -c 'write -q -P 0xa5 300M 4M' -c 'write -q -P 0x5a 1G 64k' -c 'write -q -P 0x42 2047M 1M' "$scratch/centos"
    head -c 8M /dev/urandom >"$scratch/cent"
    rm "$scratch/raw"

    # What was written just now is left alone for ten seconds (Pool:SettleTime).
    touch -d '1 minute ago' "$scratch/centos" "$scratch/cent"
    mv "$scratch/centos" "$scratch/images/centos_template.img"
    mv "$scratch/cent" "$scratch/images/cent_template.img"
    qemu-img info -f qcow2 "$scratch/images/centos_template.img" | grep -E '^(file format|virtual size|disk size)'
}

start_daemon() {
    local port=$FIRST_PORT until=$((SECONDS + START_SECONDS))
    while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
    base="http://127.0.0.1:$port"
    heading "Starting the daemon on $base"

    # In a session of its own: closing the terminal does not end it. A scratch directory needs no reserve.
    setsid dotnet "$root/artifacts/storagehost/storagehost.dll" --Urls="$base" --Storage:Directory="$scratch/images" \
        --Storage:ReservePercent=0 >"$scratch/log" 2>&1 </dev/null &
    daemon=$!
    until fetch /readyz --fail; do
        kill -0 "$daemon" 2>/dev/null || fail "the daemon ended"
        ((SECONDS < until)) || fail "the daemon is not ready after $START_SECONDS s"
        sleep 0.1
    done
    call 200 /readyz
}

# ---- The job --------------------------------------------------------------------------------------------------------------------------

show_images() {
    heading "Which images are there? (as the controller asks, and as a browser can)"
    call 200 / -X GET -d '{"target":"images"}'
    expect '.images == ["cent", "centos"]'
    call 200 '/?target=images'
    expect '.images == ["cent", "centos"]'
}

show_pool() {
    heading "dup: keep three ready copies of centos"
    call 200 / -d '{"action":"dup","duplicateinfo":{"centos":3}}'
    watch "$(field '.pools[0].job')"
    await /pools/centos '.ready == 3'
    say "\$ ls -s --block-size=M images"
    ls -s --block-size=M "$scratch/images"
}

show_hits() {
    local host
    heading "setimage: a bootable disk at once, from the pool"
    for host in web01 web02; do
        call 200 / -d '{"action":"setimage","createvmform":{"image":"centos","hostname":"'$host'"}}'
        expect '.source == "pool"'
        say "Answered in $milliseconds ms."
        prove $host
    done
}

show_independence() {
    heading "A disk is its own: what its VM writes, nobody else sees"
    say "\$ qemu-io -f qcow2 -c 'write -P 0x77 0 1M' web01.qcow2"
    qemu-io -f qcow2 -c 'write -q -P 0x77 0 1M' "$scratch/images/web01.qcow2"
    ! qemu-img compare -q -f qcow2 -F qcow2 "$scratch/images/centos_template.img" "$scratch/images/web01.qcow2" \
        || fail "web01.qcow2 does not hold what was written"
    prove web02
}

show_miss() {
    heading "setimage with the pool empty: the copy is made while the caller waits"
    call 200 / -d '{"action":"dup","duplicateinfo":{"centos":0}}'
    await /pools/centos '.ready == 0 and .copying == 0'
    call 200 / -d '{"action":"setimage","createvmform":{"image":"centos","hostname":"web03"}}'
    expect '.source == "copy"'
    say "Answered in $milliseconds ms."
    prove web03
}

show_async() {
    local job
    heading "setimage for a caller who does not wait"
    call 202 / -H 'Prefer: respond-async' -d '{"action":"setimage","createvmform":{"image":"centos","hostname":"web04"}}'
    job=$(field '.id')
    watch "$job"
    call 200 "/jobs/$job"
    expect '.disk == "web04.qcow2"'
    prove web04
}

show_data_disks() {
    local disk
    heading "addstorage: data disks"
    call 200 / -d '{"action":"addstorage","storageinfo":{"hostname":"web01","size":5}}'
    expect '.disk == "web01_storage_5G"'
    call 200 / -d '{"action":"addstorage","storageinfo":{"hostname":"web01","size":5}}'
    expect '.disk == "web01_storage_5G_1"'
    for disk in web01_storage_5G web01_storage_5G_1; do
        qemu-img check -q -f qcow2 "$scratch/images/$disk" || fail "qemu-img check finds $disk broken"
        qemu-img info -f qcow2 --output=json "$scratch/images/$disk" | jq -e '."virtual-size" == 5 * 1073741824' >/dev/null \
            || fail "$disk has not 5 GiB"
    done
    say "Proved: qemu-img check and qemu-img info find both sound and of 5 GiB."
}

show_errors() {
    heading "What a caller is told: the name is taken; the names are none"
    call 409 / -d '{"action":"setimage","createvmform":{"image":"centos","hostname":"web02"}}'
    expect '.code == "host_exists"'
    prove web02
    call 400 / -d '{"action":"setimage","createvmform":{"image":"-","hostname":"../../x"}}'
    expect '.code == "invalid_payload" and (.errors | length == 2)'
    call 404 / -d '{"action":"setimage","createvmform":{"image":"plan9","hostname":"web05"}}'
    expect '.code == "image_not_found"'
}

show_deletes() {
    heading "Deletes: data disks stay unless purge is true; only what is named goes"
    call 200 / -X DELETE -d '{"action":"host","target":"web01"}'
    expect '.removed == ["web01.qcow2"] and .kept == ["web01_storage_5G", "web01_storage_5G_1"]'
    call 200 '/?action=host&target=web01&purge=true' -X DELETE
    expect '.removed == ["web01_storage_5G", "web01_storage_5G_1"] and .kept == []'
    call 200 / -d '{"action":"dup","duplicateinfo":{"cent":1,"centos":2}}'
    await /pools/cent '.ready == 1'
    call 200 / -X DELETE -d '{"action":"image","target":"cent"}'
    expect '.removed | length == 2 and .[0] == "cent_template.img" and (.[1] | test("^cent_dup_[0-9]+_ready$"))'
    call 200 '/?target=images'
    expect '.images == ["centos"]'
    await /pools/centos '.ready == 2'
}

show_end() {
    local files until=$((SECONDS + WAIT_SECONDS))
    heading "What is there now"
    call 200 /pools/centos
    expect '.hits == 2 and .misses == 2'
    say "\$ ls images"
    ls "$scratch/images"
    # shellcheck disable=SC2012 # the names are this script's own
    files=$(ls "$scratch/images" | grep -v '_dup_[0-9]*_ready$' | tr '\n' ' ')
    [[ $files == "centos_template.img web02.qcow2 web03.qcow2 web04.qcow2 " ]] || fail "there are other files than there should be"

    # After claims the daemon holds some of the ready copies under private names, for the next ones.
    until [[ $(find "$scratch/images" \( -name 'centos_dup_*_ready' -o -name 'claim-*-centos' \) -links 1 | wc -l) -eq 2 ]]; do
        ((SECONDS < until)) || fail "there are not two copies"
        sleep 0.1
    done

    if $once; then
        heading "Done: every disk held its template's content"
        return
    fi
    heading "Done. The daemon goes on:"
    say "  Swagger  $base/swagger"
    say "  images   $scratch/images"
    say "  log      $scratch/log"
    say "  stop it  kill $daemon   (its directory goes with it)"

    # Removes the scratch directory when the daemon has been ended.
    # shellcheck disable=SC2016 # the inner shell expands its arguments
    setsid bash -c 'tail --pid="$1" -f /dev/null; rm -rf -- "$2"' demo "$daemon" "$scratch" >/dev/null 2>&1 </dev/null &
    daemon=""
    scratch=""
}

# ---- The end --------------------------------------------------------------------------------------------------------------------------

finish() {
    local status=$? tries
    trap - EXIT
    if [[ -n $daemon ]]; then
        kill "$daemon" 2>/dev/null || true
        for ((tries = 0; tries < 200; tries++)); do
            kill -0 "$daemon" 2>/dev/null || break
            sleep 0.1
        done
        kill -9 "$daemon" 2>/dev/null || true
        wait "$daemon" 2>/dev/null || true
    fi
    if [[ -n $scratch ]]; then
        if ((status != 0)) && [[ -s $scratch/log ]]; then
            printf '\nThe end of the log:\n' >&2
            tail -n 20 "$scratch/log" >&2
        fi
        rm -rf -- "$scratch"
    fi
    exit "$status"
}

main "$@"
