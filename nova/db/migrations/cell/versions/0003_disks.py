"""What a server was asked to be made of."""

revision = 'cell_0003'
down_revision = 'cell_0002'


def upgrade() -> None:
    """Nothing yet."""
