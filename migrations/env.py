"""What Alembic runs: the revisions, on the connection that `storage.engines.migrate` passes in."""

from alembic import context

# Their tables join the metadata.
import storage.schema_approvals
import storage.schema_audit
import storage.schema_sessions  # noqa: F401
from storage.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
