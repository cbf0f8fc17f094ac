"""Options of what a compute host offers to servers."""

from oslo_config import cfg

GROUP = 'compute'
OPTS = [
    cfg.ListOpt(
        'image_type_exclude_list',
        default=[],
        help='Formats of images, as in vmdk,vhd, that guests on this host are not made from.',
    ),
    cfg.ListOpt(
        'vmdk_allowed_types',
        default=['streamOptimized', 'monolithicSparse'],
        help='Which kinds of vmdk images guests on this host are made from, by their createType. Those that consist of several '
        'files are never taken. When it is empty, none are.',
    ),
    cfg.IntOpt(
        'shutdown_retry_interval',
        default=10,
        min=1,
        help='Seconds after which a guest that has not shut down is asked again.',
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
