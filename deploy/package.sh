#!/usr/bin/env bash
# Makes the packages in artifacts/package: a Debian package, and a tarball with the same program. Both bring the .NET runtime with them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly RUNTIME=linux-x64
readonly OUT=artifacts/package

main() {
    local tool
    for tool in dotnet dh dpkg-buildpackage; do
        command -v "$tool" >/dev/null || fail "$tool is missing; the SDK of .NET 10, and: apt-get install --no-install-recommends debhelper dpkg-dev"
    done

    version=$(sed -n 's/.*<Version>\(.*\)<\/Version>.*/\1/p' src/StorageHost/StorageHost.csproj)
    # What is built depends on what is committed, not on when it is built.
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || date +%s)
    export SOURCE_DATE_EPOCH

    rm -rf "$OUT"
    mkdir -p "$OUT"
    publish "$OUT/app"
    make_completions "$OUT/completions"
    make_tarball "$OUT/storagehost-$version"
    make_deb "$OUT/storagehost"
    rm -rf "$OUT/app" "$OUT/completions"
    ls -l "$OUT"
}

publish() {
    dotnet publish src/StorageHost -c Release --self-contained -o "$1" -v quiet --nologo -nodeReuse:false
    # For tracing with LTTng, which would have to be installed for it.
    rm -f "$1/libcoreclrtraceptprovider.so" "$1/appsettings.Development.json"
    chmod -R u=rwX,go=rX "$1"
    find "$1" -type f ! -name storagehost ! -name createdump -exec chmod 644 {} +
}

# What the program itself says, under the names by which the shells find it.
make_completions() {
    mkdir "$1"
    "$OUT/app/storagehost" completion bash >"$1/storagehost"
    "$OUT/app/storagehost" completion zsh >"$1/_storagehost"
    "$OUT/app/storagehost" completion fish >"$1/storagehost.fish"
    chmod 644 "$1"/*
}

make_tarball() {
    mkdir "$1"
    cp -r "$OUT/app/." "$1"
    cp deploy/storagehost.{service,sysusers,tmpfiles,8,1} deploy/{alerts.yml,grafana-dashboard.json} "$1"
    cp -r "$OUT/completions" "$1"
    copy_docs "$1/docs"
    tar -C "$OUT" --owner=0 --group=0 --sort=name --mtime="@$SOURCE_DATE_EPOCH" -czf "$1-$RUNTIME.tar.gz" "$(basename "$1")"
    rm -rf "$1"
}

make_deb() {
    mkdir "$1"
    cp -r deploy/debian "$1/debian"
    cp deploy/storagehost.{service,sysusers,tmpfiles,8,1} "$1/debian"
    cp -r "$OUT/app" "$1/app"
    cp -r "$OUT/completions" "$1"
    cp deploy/{alerts.yml,grafana-dashboard.json} "$1"
    copy_docs "$1/docs"
    # It is a conffile in /etc, where a link in the program's directory leads to.
    mv "$1/app/appsettings.json" "$1"
    cp "$(dirname "$(command -v dotnet | xargs realpath)")"/{LICENSE.txt,ThirdPartyNotices.txt} "$1"
    cat >"$1/debian/changelog" <<-END
	storagehost ($version) stable; urgency=medium

	  * /usr/share/doc/storagehost/docs/changelog.md tells what has changed.

	 -- StorageHost maintainers <storagehost@packages.example.org>  $(date -R -u -d "@$SOURCE_DATE_EPOCH")
	END
    (cd "$1" && dpkg-buildpackage -b -us -uc -ui >../build.log 2>&1) || { tail -n 30 "$OUT/build.log" >&2; fail "the Debian package was not built"; }
    rm -rf "$1" "$OUT"/*.buildinfo "$OUT"/*.changes "$OUT/build.log"
}

# The manuals as they lie in the repository, so that the links between them hold.
copy_docs() {
    mkdir "$1"
    cp -r docs/. "$1"
    find "$1" -type f -exec chmod 644 {} +
}

fail() {
    printf 'package: %s\n' "$*" >&2
    exit 1
}

main "$@"
