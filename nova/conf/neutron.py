"""Options of the network service, as Compute uses it."""

from oslo_config import cfg

GROUP = 'neutron'
SERVICE_TYPE = 'network'
OPTS = [
    cfg.IntOpt(
        'http_retries',
        default=3,
        min=0,
        help='How often a call of the network service is tried again when the connection fails.',
    ),
    cfg.IntOpt(
        'extension_sync_interval',
        default=600,
        min=0,
        help='The time, in seconds, for which the list of extensions of the network service is remembered.',
    ),
    cfg.StrOpt(
        'default_floating_pool',
        default='nova',
        help='The name or id of the external network that floating addresses come from when the user names none.',
    ),
    cfg.BoolOpt(
        'service_metadata_proxy',
        default=False,
        help='Whether the metadata service is reached through a proxy of the network service, which signs what it '
        'says of the server that asks.',
    ),
    cfg.StrOpt(
        'metadata_proxy_shared_secret',
        default='',
        secret=True,
        help='The secret with which the proxy signs. It is the same for the metadata service and its proxy.',
    ),
]
