#!/bin/sh
# Checks every statement of this crate against a server with its schema, and stores their descriptions in `.sqlx`, so
# that a build needs no server. Run it after you change a statement or a migration.
#
# usage: prepare.sh [DATABASE_URL]   an empty database; without one a throw-away server is started (PostgreSQL's
#                                    binaries must be installed; as root it runs as `nobody`)
set -eu
crate=$(cd "$(dirname "$0")" && pwd)
url=${1:-}
learned=$(mktemp -d -p "$crate")
trap 'rm -rf "$learned"' EXIT
if [ -z "$url" ]; then
    bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
    as=
    dir=$(mktemp -d -p /tmp)
    if [ "$(id -u)" = 0 ]; then
        chown nobody "$dir"
        as="setpriv --reuid=nobody --regid=nogroup --clear-groups"
    fi
    trap '$as "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$dir" "$learned"' EXIT
    cd "$dir"
    $as "$bin/initdb" -D "$dir/data" -U postgres -A trust --no-locale -E UTF8 >/dev/null
    $as "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/log" \
        -o "-c listen_addresses='' -c unix_socket_directories=$dir -c fsync=off" start >/dev/null
    url="postgres:///postgres?host=$dir&user=postgres"
fi
for migration in "$crate"/migrations/*.sql; do
    psql -q -v ON_ERROR_STOP=1 -d "$url" -f "$migration"
done
# What the migrator keeps beside the schema; statements ask it too.
psql -q -v ON_ERROR_STOP=1 -d "$url" -c "CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY,
    description text NOT NULL, installed_on timestamptz NOT NULL DEFAULT now(), success boolean NOT NULL,
    checksum bytea NOT NULL, execution_time bigint NOT NULL)"
touch "$crate/src/lib.rs"
cd "$crate"
SQLX_OFFLINE_DIR="$learned" DATABASE_URL="$url" cargo check -p reelgate-postgres
rm -rf "$crate/.sqlx"
cp -r "$learned" "$crate/.sqlx"
chmod 755 "$crate/.sqlx"
