"""Options of console tokens."""

from oslo_config import cfg

GROUP = 'consoleauth'
OPTS = [
    cfg.IntOpt(
        'token_ttl',
        default=600,
        min=0,
        deprecated_opts=[cfg.DeprecatedOpt('console_token_ttl', group='DEFAULT')],
        help='Seconds that a console may be opened with the token that the API handed out.',
    ),
    cfg.BoolOpt(
        'enforce_session_timeout',
        default=False,
        help='Whether an open console is closed when its token expires.',
    ),
]
