"""Options of nova-scheduler, apart from its rules."""

from oslo_config import cfg

GROUP = 'scheduler'
OPTS = [
    cfg.IntOpt(
        'workers',
        min=0,
        help='How many requests one scheduler works on at the same time. When it is not set, or 0, the scheduler decides.',
    ),
    cfg.IntOpt(
        'max_attempts',
        default=3,
        min=1,
        help='On how many hosts a server is tried before it goes to ERROR.',
    ),
    cfg.IntOpt(
        'max_placement_results',
        default=1000,
        min=1,
        help='How many allocation candidates Placement is asked for.',
    ),
    cfg.IntOpt(
        'discover_hosts_in_cells_interval',
        default=-1,
        min=-1,
        help='Seconds between two looks for hosts that no cell knows yet. -1 means never: '
        'then run nova-manage cell_v2 discover_hosts.',
    ),
]
