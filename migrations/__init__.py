"""Alembic revisions: one history that runs on SQLite and on Postgres."""
