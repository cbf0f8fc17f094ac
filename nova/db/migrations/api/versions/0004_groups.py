"""What server groups, aggregates and flavors keep."""

revision = 'api_0004'
down_revision = 'api_0003'


def upgrade() -> None:
    """Nothing yet."""
