#!/usr/bin/env bash
# Gives the test run the programs it uses. As root on Debian or Ubuntu it
# installs what is missing; elsewhere it says what is missing, what for, and
# under which name to get it.
#
# Nothing here is needed to build or use Virga: that takes Go alone.
#
# Exit status: 0 all there, 3 some are not.
set -euo pipefail

has() { command -v "$1" >/dev/null 2>&1; }
imports() { has "$1" && "$1" -c "import $2" >/dev/null 2>&1; }
linux() { [ "$(uname -s)" = Linux ]; }

# One line for each need: the probe, the packages, and what goes without them.
missing() {
  has cc || echo "gcc libc6-dev|the race detector"
  has curl || echo "curl|the examples"
  has zip || echo "zip|the examples"
  ! linux || [ -x /usr/sbin/dockerd ] || has dockerd || docker info >/dev/null 2>&1 || echo "docker.io|functions in containers, make image"
  ! linux || [ -x /usr/sbin/debootstrap ] || echo "debootstrap|images for functions in containers"
  imports /usr/bin/python3 PIL && imports /usr/bin/python3 boto3 || echo "python3 python3-boto3 python3-pil|functions in Python as child processes, boto3's suite"
  has node || echo "nodejs|functions in Node as child processes"
  has npm || echo "npm|node 20 and the AWS SDK for JavaScript"
  has aws || echo "awscli|the AWS CLI's suite"
}

still=$(missing)
if [ -n "$still" ] && [ "$(id -u)" = 0 ] && has apt-get; then
  packages=$(cut -d'|' -f1 <<<"$still" | tr '\n' ' ')
  echo "packages: installing $packages" >&2
  export DEBIAN_FRONTEND=noninteractive
  lock="-o DPkg::Lock::Timeout=300"
  output=$(mktemp)
  trap 'rm -f "$output"' EXIT
  # One at a time would be slower; a failure is told below by what is still missing.
  # shellcheck disable=SC2086 # lists of words
  { apt-get $lock update -qq && apt-get $lock install -y -qq --no-install-recommends $packages; } >"$output" 2>&1 </dev/null ||
    tail -n 5 "$output" >&2
  still=$(missing)
fi
[ -n "$still" ] || exit 0
while IFS='|' read -r names use; do
  echo "packages: left out: $use (Debian: apt-get install $names)" >&2
done <<<"$still"
exit 3
