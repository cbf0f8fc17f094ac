"""Options of the volume service."""

from oslo_config import cfg

GROUP = 'cinder'
# Where it is found is said by options of its own, not by those that other neighbours share.
SERVICE_TYPE = ''
OPTS = [
    cfg.StrOpt(
        'catalog_info',
        default='volumev3::publicURL',
        regex=r'^[^:]+:[^:]*:[^:]+$',
        help='Which endpoint of the catalog is that of the volume service, as <service type>:<service name>:<endpoint '
        'type>. The name may be empty.',
    ),
    cfg.StrOpt(
        'endpoint_template',
        help='The address of the volume service, in place of that in the catalog: for example '
        'http://cinder:8776/v3/%(project_id)s.',
    ),
    cfg.StrOpt('os_region_name', help='The region whose volume service is used.'),
    cfg.IntOpt(
        'http_retries',
        default=3,
        min=0,
        help='How often a call of the volume service is tried again when the connection fails.',
    ),
]
