"""Moves between hosts, and when usage was counted."""

revision = 'cell_0002'
down_revision = 'cell_0001'


def upgrade() -> None:
    """Nothing yet."""
