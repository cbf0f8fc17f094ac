"""What alembic runs: apply the versions on the connection that the caller opened."""

from alembic import context

from nova.db.tables import metadata

connection = context.config.attributes['connection']
context.configure(
    connection=connection,
    target_metadata=metadata.cell,
    render_as_batch=connection.dialect.name == 'sqlite',
)
with context.begin_transaction():
    context.run_migrations()
