#!/bin/sh
# Run once, when the volume is empty: a database and a user for each of the two that keep something here. Passwords are data, not SQL.
set -eu
for name in dagster conversations; do
    case $name in
        dagster) password=$DAGSTER_DATABASE_PASSWORD ;;
        conversations) password=$CONVERSATIONS_DATABASE_PASSWORD ;;
    esac
    psql --username "${POSTGRES_USER:-postgres}" --set ON_ERROR_STOP=1 --set name="$name" --set password="$password" <<'SQL'
CREATE USER :"name" PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
done
