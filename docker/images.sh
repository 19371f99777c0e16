#!/usr/bin/env bash
# Builds images of the servers from Debian's packages, for machines that cannot pull the official ones. Prints the environment
# variables that make compose and the tests use them:
#
#   docker/images.sh > images.env && set -a && . ./images.env
#
# An image is named by a hash of its recipe, so that it is built once and again only when the recipe changes.
set -euo pipefail
cd "$(dirname "$0")"

ferretdb_version=v2.7.0

log() { echo "$*" >&2; }
have() { docker image inspect "$1" >/dev/null 2>&1; }
hash_of() { cat "$@" | sha256sum | cut -c 1-12; }

# Older releases of debootstrap do not know the names of newer suites: all of them are built like sid.
suite_known() {
  local scripts
  scripts=$(dirname "$(dpkg -L debootstrap | grep '/scripts/sid$')")
  [ -e "$scripts/$1" ] || ln -s sid "$scripts/$1"
}

install_debootstrap() {
  command -v debootstrap >/dev/null && return 0
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
}

# A root file system of a Debian suite with these packages. $1 suite, $2 packages, $3 folder
rootfs() {
  suite_known "$1"
  if ! debootstrap --variant=minbase --include="$2" "$1" "$3" >"$3.log" 2>&1; then
    tail -n 20 "$3.log" >&2
    return 1
  fi
  rm -rf "$3"/var/cache/apt/* "$3"/var/lib/apt/lists/* "$3"/usr/share/{doc,man,locale}
}

# $1 folder, $2 image. A file in /proc or /dev of the folder is none of ours.
import() {
  tar -C "$1" --exclude=./proc/* --exclude=./sys/* --exclude=./dev/* -c . |
    docker import -c 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' -c 'ENTRYPOINT ["docker-entrypoint.sh"]' - "$2" >/dev/null
}

# The servers of one Debian release. $1 suite, $2 packages, $3 image
servers() {
  have "$3" && return 0
  local folder=$scratch/$1 begun=$SECONDS
  rootfs "$1" "$2" "$folder"
  install -m 755 entrypoint.sh "$folder/usr/local/bin/docker-entrypoint.sh"
  # The conformance service runs on this machine's Node.
  install -m 755 "$(readlink -f "$(command -v node)")" "$folder/usr/local/bin/node"
  import "$folder" "$3"
  rm -rf "$folder"
  log "built $3 in $((SECONDS - begun)) s"
}

# FerretDB (MongoDB's wire protocol) before PostgreSQL with DocumentDB.
mongo() {
  have "$1" && return 0
  local folder=$scratch/mongo begun=$SECONDS
  rootfs forky postgresql-18,postgresql-18-documentdb "$folder"
  GOBIN=$scratch/bin go install "github.com/FerretDB/FerretDB/v2/cmd/ferretdb@$ferretdb_version"
  install -m 755 "$scratch/bin/ferretdb" "$folder/usr/local/bin/ferretdb"
  install -m 755 entrypoint.sh "$folder/usr/local/bin/docker-entrypoint.sh"
  import "$folder" "$1"
  rm -rf "$folder"
  log "built $1 in $((SECONDS - begun)) s"
}

recipe=$(hash_of images.sh entrypoint.sh)
bookworm=sessile-test/debian12:$recipe
trixie=sessile-test/debian13:$recipe
ferretdb=sessile-test/ferretdb:$recipe
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

if ! { have "$bookworm" && have "$trixie" && have "$ferretdb"; }; then install_debootstrap; fi
servers bookworm redis-server,memcached,postgresql,ca-certificates "$bookworm"
servers trixie redis-server,valkey-server,postgresql,memcached "$trixie"
mongo "$ferretdb"

cat <<END
SESSILE_IMAGE_REDIS=$bookworm
SESSILE_IMAGE_REDIS8=$trixie
SESSILE_IMAGE_MEMCACHED=$bookworm
SESSILE_IMAGE_POSTGRES=$bookworm
SESSILE_IMAGE_POSTGRES17=$trixie
SESSILE_IMAGE_MONGO=$ferretdb
SESSILE_IMAGE_NODE=$bookworm
END
