#!/usr/bin/env bash
# Builds the `docker compose` plugin from the Go module proxy where it is missing. Takes about 90 s, once.
set -euo pipefail

version=v2.40.3
docker compose version >/dev/null 2>&1 && exit 0

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export GOFLAGS=-mod=mod
go mod init compose >/dev/null 2>&1
go get "github.com/docker/compose/v2@$version" >/dev/null 2>&1
go build -o docker-compose github.com/docker/compose/v2/cmd
mkdir -p ~/.docker/cli-plugins
mv docker-compose ~/.docker/cli-plugins/docker-compose
docker compose version
