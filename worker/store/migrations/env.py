"""Alembic's entry point; the connection is handed over by `worker.store.migrating`."""

from alembic import context

from worker.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True
)
with context.begin_transaction():
    context.run_migrations()
