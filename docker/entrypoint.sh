#!/bin/sh
# The entry point of the images that images.sh builds: it takes the commands and the variables that the official images take.
set -eu

# The folder of PostgreSQL's programs, which Debian keeps off the PATH.
if [ -d /usr/lib/postgresql ]; then
  PATH=$(echo /usr/lib/postgresql/*/bin):$PATH
fi

as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }

make_cluster() {
  PGDATA=${PGDATA:-/var/lib/postgresql/data}
  export PGDATA
  mkdir -p "$PGDATA"
  chown postgres "$PGDATA"
  [ -s "$PGDATA/PG_VERSION" ] && return 0
  as_postgres initdb --username=postgres --auth=trust --encoding=UTF8 --no-sync >/dev/null
  echo 'host all all all trust' >>"$PGDATA/pg_hba.conf"
}

case "${1:-}" in
  postgres)
    make_cluster
    shift
    exec setpriv --reuid=postgres --regid=postgres --init-groups postgres -c listen_addresses='*' "$@"
    ;;
  mongod | '')
    if [ -x /usr/local/bin/ferretdb ]; then
      make_cluster
      cat >>"$PGDATA/postgresql.conf" <<END
shared_preload_libraries = 'pg_cron,pg_documentdb_core,pg_documentdb'
cron.database_name = 'postgres'
listen_addresses = '127.0.0.1'
END
      as_postgres pg_ctl start --wait --silent --log=/tmp/postgres.log
      as_postgres psql --quiet --username=postgres --command='CREATE EXTENSION IF NOT EXISTS documentdb CASCADE'
      mkdir -p /state
      exec ferretdb --postgresql-url=postgres://postgres@127.0.0.1:5432/postgres --listen-addr=:27017 --no-auth --telemetry=disable --state-dir=/state
    fi
    exec "$@"
    ;;
  memcached)
    shift
    exec setpriv --reuid=memcache --regid=memcache --init-groups memcached "$@"
    ;;
  *) exec "$@" ;;
esac
