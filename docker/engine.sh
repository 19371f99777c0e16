#!/usr/bin/env bash
# Starts a Docker engine where none answers, and stops the one that it started. For machines that have none of their own, as
# CI's; with Docker Desktop or a system service there is nothing to do.
#
#   docker/engine.sh start    installs docker.io (Debian, as root) where dockerd is missing, starts it, waits until it answers
#   docker/engine.sh stop     stops what `start` started
set -euo pipefail

state=${SESSILE_ENGINE_STATE:-/var/tmp/sessile-engine}

answers() { docker info >/dev/null 2>&1; }

install() {
  command -v dockerd >/dev/null && command -v iptables >/dev/null && return 0
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io iptables >/dev/null
}

start() {
  if answers; then
    echo "Docker engine: $(docker version --format '{{.Server.Version}}') was already there"
    return 0
  fi
  install
  mkdir -p "$state"
  rm -f /var/run/docker.pid
  setsid dockerd >"$state/dockerd.log" 2>&1 </dev/null &
  echo $! >"$state/pid"
  for _ in $(seq 1 300); do
    if answers; then
      echo "Docker engine: $(docker version --format '{{.Server.Version}}') started"
      return 0
    fi
    if ! kill -0 "$(cat "$state/pid")" 2>/dev/null; then break; fi
    sleep 0.2
  done
  echo 'The Docker engine did not start. The end of its log:' >&2
  tail -n 20 "$state/dockerd.log" >&2
  return 1
}

stop() {
  [ -f "$state/pid" ] || return 0
  local pid
  pid=$(cat "$state/pid")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 1 150); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.2
  done
  rm -f "$state/pid"
}

case "${1:-}" in
  start) start ;;
  stop) stop ;;
  *) echo "usage: $0 start|stop" >&2 && exit 2 ;;
esac
