"""All tables. Importing this package fills both sets of `nova.db.tables.metadata`."""

from nova.db.tables import (
    aggregates,
    cells,
    console_tokens,
    flavors,
    guests,
    hosts,
    keypairs,
    metadata,
    operations,
    quotas,
    server_groups,
    servers,
    services,
)

__all__ = (
    'aggregates',
    'cells',
    'console_tokens',
    'flavors',
    'guests',
    'hosts',
    'keypairs',
    'metadata',
    'operations',
    'quotas',
    'server_groups',
    'servers',
    'services',
)
