"""The history of the network service's tables (alembic)."""
