#!/usr/bin/env bash
# Prepares a machine for the test run, and says in its last lines what had to be
# left out. Safe to repeat: what is there already is left as it is.
#
#   programs     packages.sh, as root on Debian
#   runtimes     in dist/runtimes, by the names that Lambda gives them, for the PATH
#   engine       engine.sh start, where none answers, as root
#   images       ../images/build.sh, where they or their recipes are new
#
# Exit status: always 0. Tests whose needs were left out skip, and under CI they
# fail, so that a machine that is set up badly does not pass for a good one.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "$here/../.." && pwd)/dist/runtimes

# step NAME COMMAND: run it, and say how long it took when that was noticeable.
step() {
  local name=$1 begun=$SECONDS
  shift
  "$@" </dev/null || complete=no
  [ $((SECONDS - begun)) -lt 2 ] || echo "setup: $name took $((SECONDS - begun)) s" >&2
}

# Functions run as child processes find their runtime in the PATH. The python3.11
# there is the system's, which has Pillow; a version manager's would not.
runtimes() {
  mkdir -p "$bin"
  if [ -x /usr/bin/python3.11 ]; then
    ln -sf /usr/bin/python3.11 "$bin/python3.11"
  fi
  if command -v node >/dev/null && [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ] && [ ! -x "$bin/node" ]; then
    node20
  fi
}

# Debian bookworm's node is 18; the npm registry carries node's own builds.
node20() {
  local arch
  case $(uname -m) in
  x86_64) arch=x64 ;;
  aarch64) arch=arm64 ;;
  *) return 1 ;;
  esac
  if [ "$(uname -s)" != Linux ] || ! (
    work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && cd "$work" &&
      npm pack --silent --fetch-retries=1 "node-linux-$arch@20" >/dev/null && tar -xzf node-linux-*.tgz package/bin/node && mv package/bin/node "$bin/node"
  ); then
    echo "runtimes: left out: node 20 (functions run on $(node --version) as child processes)" >&2
    return 1
  fi
}

complete=yes
step packages "$here/packages.sh"
step runtimes runtimes
export PATH="$bin:$PATH"
step engine "$here/engine.sh" start
step images "$here/../images/build.sh"
if [ $complete = yes ]; then
  echo "setup: complete, in $SECONDS s" >&2
else
  echo "setup: in $SECONDS s; tests that need what was left out skip and say so" >&2
fi
exit 0
