"""Options of nova-conductor."""

from oslo_config import cfg

GROUP = 'conductor'
OPTS = [
    cfg.IntOpt(
        'workers',
        min=1,
        help='How many operations one conductor runs at the same time. When it is not set, '
        '[operations] workers applies. Start more conductors to use more processors.',
    ),
]
