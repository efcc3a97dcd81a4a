#!/usr/bin/env bash
# Gives the test run a Docker engine that answers.
#
#   engine.sh start   leave a running engine alone; otherwise, as root, start one
#   engine.sh stop    end the engine that start began, and no other
#
# An engine begun here is recorded in $state/dockerd.pid, writes its log to
# $state/dockerd.log and stays up, so that the next run finds it. Functions
# under test need no network (they reach the server over standard input and
# output), so an engine without bridge or firewall rules serves as well.
#
# Exit status: 0 an engine answers, 3 none does (the reason is on stderr).
set -euo pipefail

state=${VIRGA_TEST_STATE:-/var/tmp/virga-test}
pidfile=$state/dockerd.pid
log=$state/dockerd.log

answers() { docker info >/dev/null 2>&1; }

# running PID: whether a dockerd of ours still lives under that process id.
running() { [ -n "${1:-}" ] && [ "$(cat "/proc/$1/comm" 2>/dev/null)" = dockerd ]; }

# launch FLAG...: start dockerd with these flags; true once it answers.
launch() {
  echo "engine: dockerd $*" >&2
  setsid dockerd --pidfile "$pidfile" "$@" >>"$log" 2>&1 </dev/null &
  local pid=$! tick
  for tick in $(seq 120); do
    answers && return 0
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.25
  done
  kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null || true
  rm -f "$pidfile"
  return 1
}

start() {
  if answers; then
    return 0
  fi
  if [ "$(uname -s)" != Linux ]; then
    echo "engine: no Docker engine answers; start Docker Desktop, colima or podman machine" >&2
    return 3
  fi
  if [ "$(id -u)" != 0 ]; then
    echo "engine: no Docker engine answers $(id -un): start it (sudo systemctl start docker) and join its group (sudo usermod -aG docker $(id -un)), or run this as root" >&2
    return 3
  fi
  if ! command -v dockerd >/dev/null; then
    echo "engine: dockerd is not installed (Debian: apt-get install docker.io)" >&2
    return 3
  fi
  if [ -d /run/systemd/system ] && systemctl start docker >/dev/null 2>&1 && answers; then
    return 0
  fi

  mkdir -p "$state"
  : >"$log"
  # From what engines usually are to what nearly any kernel can do: first
  # without touching the network, then without overlay mounts.
  local alone="--bridge=none --iptables=false --ip6tables=false --ip-forward=false"
  launch && return 0
  # shellcheck disable=SC2086 # each is a list of flags
  launch $alone && return 0
  if command -v fuse-overlayfs >/dev/null; then
    # shellcheck disable=SC2086
    launch $alone --storage-driver=fuse-overlayfs && return 0
  fi
  # shellcheck disable=SC2086
  launch $alone --storage-driver=vfs && return 0
  echo "engine: dockerd does not start here; its last words ($log):" >&2
  tail -n 5 "$log" >&2
  return 3
}

stop() {
  local pid
  pid=$(cat "$pidfile" 2>/dev/null || true)
  if ! running "$pid"; then
    echo "engine: none was started here" >&2
    return 0
  fi
  kill "$pid"
  while running "$pid"; do sleep 0.2; done
  rm -f "$pidfile"
}

case ${1:-start} in
start) start ;;
stop) stop ;;
*)
  echo "usage: engine.sh [start|stop]" >&2
  exit 2
  ;;
esac
