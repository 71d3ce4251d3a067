"""What Alembic runs: the revisions, on the connection that `storage.migrate` passes in."""

from alembic import context

import storage.schema_sessions  # noqa: F401 - its tables join the metadata
from storage.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
