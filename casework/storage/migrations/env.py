"""What Alembic runs: the connection comes from `migrations.upgrade`, with its transaction."""

from alembic import context

from casework.storage.tables import Base

context.configure(
    connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True
)
context.run_migrations()
