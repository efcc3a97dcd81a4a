#!/usr/bin/env bash
# Writes the tar of a minimal Debian bookworm to standard output. Needs root and
# debootstrap; takes its packages from the mirror that this machine's apt uses.
set -euo pipefail

root=$(mktemp -d)
trap 'rm -rf --one-file-system "$root"' EXIT

# "" is debootstrap's own default, where apt names no bookworm mirror.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Created-By: Packages' 2>/dev/null | sed -n 1p || true)

# ca-certificates and curl: what AWS's own provided images have and a bootstrap
# written as a shell script needs.
debootstrap --variant=minbase --include=ca-certificates,curl \
  bookworm "$root" ${mirror:+"$mirror"} >&2

rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* \
  "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/* "$root"/var/log/*
mkdir -p "$root/var/task" "$root/var/runtime" "$root/opt"
tar -C "$root" --numeric-owner --one-file-system --exclude='./proc/*' --exclude='./sys/*' --exclude='./dev/*' -c .
