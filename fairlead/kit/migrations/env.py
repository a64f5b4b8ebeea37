"""What Alembic runs for every upgrade: the caller's connection and transaction, nothing read from a file."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
