"""Options of operations: how long they may take, and how conductors share them."""

from oslo_config import cfg

GROUP = 'operations'
OPTS = [
    cfg.IntOpt(
        'deadline',
        default=3600,
        min=1,
        help='Seconds after which an operation that has not ended is undone.',
    ),
    cfg.IntOpt(
        'lease',
        default=30,
        min=2,
        help='Seconds that a conductor holds an operation without renewing its claim. '
        'Another conductor then takes it over.',
    ),
    cfg.IntOpt(
        'takeover_interval',
        default=10,
        min=1,
        help='Seconds between two looks for operations that no conductor holds.',
    ),
    cfg.IntOpt(
        'keep_days',
        default=30,
        min=0,
        help='Days after its deletion for which it is remembered what was done to a server. 0 remembers it until '
        'the server is removed from the database.',
    ),
    cfg.IntOpt(
        'image_patience',
        default=600,
        min=10,
        help='Seconds after which an image is removed that was recorded for the data of a server, has none, and is not '
        'waited for by any operation. A request that was cut off leaves such images.',
    ),
    cfg.IntOpt('workers', default=64, min=1, help='How many operations one conductor runs at the same time.'),
]
