"""The triggers of PostgreSQL, and the function behind them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import sqlalchemy as sa

from tasks.database.sql.tables.synced_table import SyncedTable

#: Asked before the function is called, which costs more than the row itself.
_QUIET = "current_setting('lockstep.asleep', true) IS DISTINCT FROM 'on'"

#: Milliseconds since 1970, with 16 bits for a counter.
WALL = "(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint << 16)"

#: It runs with its owner's rights: who may edit the table need not be able to write to Lockstep's own tables.
_FUNCTION = """
CREATE OR REPLACE FUNCTION {schema}.lockstep_capture() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = {schema}, pg_temp AS $lockstep$
#variable_conflict use_column
DECLARE
    label text := TG_ARGV[0];
    identity text := TG_ARGV[1];
    fields text[] := TG_ARGV[2]::text[];
    wall bigint := floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint << 16;
    before jsonb;
    after jsonb;
    changed text[];
    whole boolean;
    name text;
    stamps jsonb;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        UPDATE lockstep_records SET stamps = '{{}}', arrivals = '{{}}', place = NULL,
            newest = greatest(wall, newest + 1), deleted = greatest(wall, newest + 1),
            pending = jsonb_build_object('', greatest(wall, newest + 1))
            WHERE model = label AND deleted IS NULL;
        RETURN NULL;
    END IF;
    IF TG_OP <> 'INSERT' THEN before := to_jsonb(OLD); END IF;
    IF TG_OP <> 'DELETE' THEN after := to_jsonb(NEW); END IF;
    IF TG_ARGV[3] = 'padded' THEN
        before := before || jsonb_build_object(identity, rtrim(before ->> identity, ' '));
        after := after || jsonb_build_object(identity, rtrim(after ->> identity, ' '));
    END IF;
    -- What a remote deletion takes with it is captured; what it names has its tombstone already.
    IF before ->> identity IS NOT NULL
        AND (TG_OP = 'DELETE' OR before -> identity IS DISTINCT FROM after -> identity) THEN
        INSERT INTO lockstep_records AS r (model, key, stamps, newest, deleted, pending)
            VALUES (label, before ->> identity, '{{}}', wall, wall, jsonb_build_object('', wall))
            ON CONFLICT (model, key) DO UPDATE SET stamps = '{{}}', arrivals = '{{}}', place = NULL,
                newest = greatest(wall, r.newest + 1), deleted = greatest(wall, r.newest + 1),
                pending = jsonb_build_object('', greatest(wall, r.newest + 1))
                WHERE r.deleted IS NULL;
    END IF;
    IF TG_OP = 'DELETE' OR after ->> identity IS NULL THEN RETURN NULL; END IF;
    whole := TG_OP = 'INSERT' OR before -> identity IS DISTINCT FROM after -> identity;
    IF whole THEN
        changed := fields;
    ELSE
        changed := ARRAY(SELECT f FROM unnest(fields) f WHERE before -> f IS DISTINCT FROM after -> f);
        -- JSON's null looks like an empty column to JSON.
        FOREACH name IN ARRAY coalesce(TG_ARGV[4], '{{}}')::text[] LOOP
            IF before -> name = 'null' AND after -> name = 'null' THEN
                EXECUTE format('SELECT ($1.%1$I IS NULL) <> ($2.%1$I IS NULL)', name) INTO whole USING OLD, NEW;
                IF whole THEN changed := changed || name; END IF;
            END IF;
        END LOOP;
        whole := false;
        IF cardinality(changed) = 0 THEN RETURN NULL; END IF;
    END IF;
    stamps := (SELECT jsonb_object_agg(f, wall) FROM unnest(changed) f);
    -- No query of its own for what is known: its plan would be made while the table is empty, and read all of it.
    INSERT INTO lockstep_records AS r (model, key, stamps, newest, pending)
        VALUES (label, after ->> identity, stamps, wall,
            CASE WHEN whole THEN jsonb_build_object('', wall) ELSE stamps END)
        ON CONFLICT (model, key) DO UPDATE SET place = NULL, deleted = NULL,
            newest = greatest(wall, r.newest + 1),
            stamps = CASE WHEN whole THEN '{{}}'::jsonb ELSE r.stamps END
                || (SELECT jsonb_object_agg(f, greatest(wall, r.newest + 1)) FROM unnest(changed) f),
            arrivals = CASE WHEN whole THEN '{{}}'::jsonb ELSE r.arrivals END,
            pending = CASE WHEN whole THEN jsonb_build_object('', greatest(wall, r.newest + 1))
                ELSE coalesce(r.pending, '{{}}'::jsonb)
                || (SELECT jsonb_object_agg(f, greatest(wall, r.newest + 1)) FROM unnest(changed) f) END;
    RETURN NULL;
END
$lockstep$
"""


def statements(connection: sa.Connection, table: SyncedTable, mark: str) -> Iterator[str]:
    """What makes the triggers; `mark` ends their names."""
    quote = connection.dialect.identifier_preparer.quote
    schema = quote(connection.scalar(sa.text("SELECT current_schema()")))
    yield _FUNCTION.format(schema=schema)
    fields, documents = _array(table.fields), _array(table.documents)
    padded = "padded" if table.padded_keys else ""
    arguments = ", ".join(_literal(each) for each in (table.label, table.identity, fields, padded, documents))
    run = f"EXECUTE FUNCTION {schema}.lockstep_capture({arguments})"
    target = table.quoted(connection)
    yield (
        f"CREATE TRIGGER lockstep_row_{mark} AFTER INSERT OR UPDATE ON {target} FOR EACH ROW WHEN ({_QUIET}) {run}"
    )
    yield f"CREATE TRIGGER lockstep_delete_{mark} AFTER DELETE ON {target} FOR EACH ROW {run}"
    yield f"CREATE TRIGGER lockstep_truncate_{mark} AFTER TRUNCATE ON {target} FOR EACH STATEMENT {run}"


def _array(names: Collection[str]) -> str:
    return "{" + ",".join('"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"' for name in names) + "}"


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
