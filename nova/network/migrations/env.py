"""What alembic runs: apply the versions on the connection that the caller opened."""

from alembic import context

from nova.network import database, tables

connection = context.config.attributes['connection']
context.configure(
    connection=connection,
    target_metadata=tables.metadata,
    version_table=database.VERSION_TABLE,
    render_as_batch=connection.dialect.name == 'sqlite',
)
with context.begin_transaction():
    context.run_migrations()
