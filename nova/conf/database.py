"""Options of the database of this daemon's cell."""

from oslo_config import cfg


def options(which: str) -> list[cfg.Opt]:
    """The options of one database connection pool."""
    return [
        cfg.StrOpt(
            'connection',
            secret=True,
            help=f'The URL of {which}, as in mysql+pymysql://user:password@host/name?charset=utf8mb4, '
            'postgresql+psycopg://..., or sqlite:////path/to/file.',
        ),
        cfg.IntOpt(
            'max_pool_size',
            default=30,
            min=1,
            help='How many connections a process keeps open. A new one costs more than many statements, so as many are '
            'kept as its threads use at once.',
        ),
        cfg.IntOpt(
            'max_overflow',
            default=50,
            min=0,
            help='How many connections more a process may open for a while.',
        ),
        cfg.IntOpt(
            'connection_recycle_time',
            default=3600,
            help='Seconds after which a connection is replaced, because database servers drop idle ones.',
        ),
    ]


GROUP = 'database'
OPTS = options("the database of this daemon's cell")
