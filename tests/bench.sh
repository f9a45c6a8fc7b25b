#!/usr/bin/env bash
# Measures the daemon beside what an operator would use instead, on XFS and on a Gluster cluster made for it. See docs/benchmarks.md.
#
#   tests/bench.sh [part...] [--full] [--rounds N] [--set Section:Key=Value]...
#
# Parts: hits sizes copies reflink verify busy uploads rss start events; all of them without any, small ones in two rounds: a first look, within minutes.
# --full: the sizes and rounds of the figures to reach; then docs/benchmarks.md is written. --set gives the daemon a setting more.
# tests/bench.sh micro [BenchmarkDotNet's options] times the pieces inside.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/common.sh

install_lab
install_missing <<'END'
libvirtd libvirt-daemon
virsh libvirt-clients
END
trap guard EXIT
dotnet build tests/StorageHost.Benchmarks -c Release -nodeReuse:false --verbosity quiet
rm -rf artifacts/storagehost
dotnet publish src/StorageHost -c Release -o artifacts/storagehost -nodeReuse:false --verbosity quiet
dotnet tests/StorageHost.Benchmarks/bin/Release/net10.0/StorageHost.Benchmarks.dll "$@"
