"""What lists of servers are read by."""

revision = 'cell_0004'
down_revision = 'cell_0003'


def upgrade() -> None:
    """Nothing: the indexes of the first tables serve every list."""
