"""Options of the address where a daemon says how it is: /healthz, /readyz and /metrics."""

from oslo_config import cfg

DAEMONS = {
    'api': 18774,
    'api_metadata': 18775,
    'scheduler': 18776,
    'conductor': 18777,
    'compute': 18779,
    'novncproxy': 16080,
    'network': 19696,
}

GROUP = 'health'
OPTS = [
    cfg.HostAddressOpt(
        'listen',
        default='127.0.0.1',
        help='The address that /healthz, /readyz and /metrics are served on. It should not be open to users.',
    ),
    *(
        cfg.PortOpt(
            f'{daemon}_port',
            default=port,
            help=f'The port that nova-{daemon.replace("_", "-")} says on how it is. 0 means that it does not.',
        )
        for daemon, port in DAEMONS.items()
    ),
    cfg.FloatOpt('max_age', default=2.0, min=0.0, help='Seconds that the outcome of a check is kept.'),
    cfg.FloatOpt(
        'check_timeout', default=3.0, min=0.1, help='Seconds after which a check that has not ended counts as failed.'
    ),
    cfg.IntOpt(
        'waiting_log_interval',
        default=30,
        min=1,
        help='Seconds between two lines in the log of a daemon that waits for something it needs at start.',
    ),
]
