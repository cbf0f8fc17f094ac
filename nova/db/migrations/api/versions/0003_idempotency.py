"""Keep the first answer of requests that may be sent twice."""

revision = 'api_0003'
down_revision = 'api_0002'


def upgrade() -> None:
    """Nothing yet."""
