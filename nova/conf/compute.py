"""Options of what a compute host offers to servers."""

from oslo_config import cfg

GROUP = 'compute'
OPTS = [
    cfg.ListOpt(
        'image_type_exclude_list',
        default=[],
        help='Formats of images, as in vmdk,vhd, that guests on this host are not made from.',
    ),
    cfg.StrOpt(
        'cpu_shared_set',
        help="Processors of the host that guests' virtual processors float over, as in 2-5,^4,7. "
        'When it is not set, all of them.',
    ),
    cfg.IntOpt(
        'max_concurrent_disk_ops',
        default=0,
        min=0,
        help='How many disk copies and conversions a host does at the same time. 0 means no limit.',
    ),
    cfg.IntOpt(
        'resource_provider_association_refresh',
        default=300,
        min=0,
        mutable=True,
        help='Seconds after which a host looks again at what Placement says of it. 0 means never.',
    ),
]
