#!/usr/bin/env bash
# Builds the images that functions run in under test, on this machine and from
# packages alone: no image registry is asked where Debian's tools are at hand.
#
#   virga-test/debian:bookworm    minbase Debian; the others stand on it
#   virga-test/python:3.11        python3.11, boto3, Pillow   runtime python3.11
#   virga-test/nodejs:20          node 20                     runtime nodejs20.x
#   virga-test/provided:al2023    shell and curl              runtime provided.al2023
#   virga-test/provided:scratch   nothing at all              static bootstraps
#
# Each image carries the hash of its recipe in the label virga.recipe and is
# built again only when the recipe has changed; images.go names them for tests.
#
# Exit status: 0 all there, 3 some are not (which, and why, is on stderr).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
left_out=0

say() { echo "images: $*" >&2; }

# recipe FILE...: one hash of the files' contents and the names they go by.
recipe() { (cd "$here" && cat "$@") | cksum_of; }
cksum_of() { if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -c1-16; }

# current IMAGE RECIPE: whether the image exists and was built from the recipe.
current() { [ "$(docker image inspect --format '{{index .Config.Labels "virga.recipe"}}' "$1" 2>/dev/null)" = "$2" ]; }

# build IMAGE FOLDER RECIPE: docker build, with the host's network for packages.
build() {
  local begun=$SECONDS
  # Quiet unless it fails.
  if ! docker build --network=host --label "virga.recipe=$3" -t "$1" "$2" >"$scratch/log" 2>&1; then
    tail -n 15 "$scratch/log" >&2
    say "$1 left out: docker build failed, as above"
    left_out=1
    return
  fi
  say "$1 built in $((SECONDS - begun)) s"
}

debian() {
  local image=virga-test/debian:bookworm hash
  hash=$(recipe debian/rootfs.sh)
  current $image "$hash" && return 0
  local begun=$SECONDS
  if [ "$(id -u)" = 0 ] && command -v debootstrap >/dev/null; then
    if "$here/debian/rootfs.sh" 2>"$scratch/log" | docker import -c "LABEL virga.recipe=$hash" - $image >/dev/null; then
      say "$image built in $((SECONDS - begun)) s"
      return 0
    fi
    tail -n 15 "$scratch/log" >&2
    say "$image: debootstrap failed, as above; trying a registry's debian:bookworm-slim"
  fi
  if printf 'FROM debian:bookworm-slim\nRUN apt-get update -qq && apt-get install -y -qq --no-install-recommends ca-certificates curl\n' |
    docker build --network=host --label "virga.recipe=$hash" -t $image - >"$scratch/log" 2>&1; then
    say "$image built on debian:bookworm-slim in $((SECONDS - begun)) s"
    return 0
  fi
  say "all images left out: $image needs root and debootstrap (Debian, Ubuntu), or a registry that has debian:bookworm-slim"
  return 1
}

# node_program FILE: puts a node 20 for this engine's kind of machine there.
node_program() {
  local host arch
  host=$(command -v node || true)
  if [ "$(uname -s)" = Linux ] && [ -n "$host" ] && [ "$(node -p 'process.versions.node.split(".")[0]')" = 20 ]; then
    cp "$(node -p process.execPath)" "$1"
    return
  fi
  command -v npm >/dev/null || return 1
  case $(docker info --format '{{.Architecture}}') in
  x86_64 | amd64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) return 1 ;;
  esac
  # The npm registry carries node's own builds as packages.
  (cd "$scratch" && npm pack --silent --fetch-retries=1 "node-linux-$arch@20" >/dev/null && tar -xzf node-linux-*.tgz package/bin/node) || return 1
  mv "$scratch/package/bin/node" "$1"
}

nodejs() {
  local image=virga-test/nodejs:20 hash
  hash=$(recipe debian/rootfs.sh nodejs/Dockerfile)
  current $image "$hash" && return 0
  mkdir "$scratch/nodejs"
  cp "$here/nodejs/Dockerfile" "$scratch/nodejs/"
  if ! node_program "$scratch/nodejs/node"; then
    say "$image left out: needs node 20, or npm to get it with"
    left_out=1
    return
  fi
  build $image "$scratch/nodejs" "$hash"
}

# plain IMAGE FOLDER: an image that its Dockerfile alone describes.
plain() {
  local hash
  hash=$(recipe debian/rootfs.sh "$2/Dockerfile")
  current "$1" "$hash" || build "$1" "$here/$2" "$hash"
}

if ! docker info >/dev/null 2>&1; then
  say "all images left out: no Docker engine answers"
  exit 3
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

plain virga-test/provided:scratch scratch
debian || exit 3
plain virga-test/provided:al2023 provided
plain virga-test/python:3.11 python
nodejs
[ $left_out = 0 ] || exit 3
