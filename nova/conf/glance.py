"""Options of the image service."""

from oslo_config import cfg

GROUP = 'glance'
SERVICE_TYPE = 'image'
OPTS = [
    cfg.IntOpt('num_retries', default=3, min=0, help='How often a failed call of the image service is tried again.'),
]
