"""The two databases, SQLite and Postgres: connections, transactions, and where their statements differ."""
