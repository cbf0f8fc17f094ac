"""Options of the compute API and of the metadata service."""

from oslo_config import cfg

GROUP = 'api'
OPTS = [
    cfg.IntOpt(
        'max_limit',
        default=1000,
        min=0,
        help='The greatest number of items that one page of a list holds.',
    ),
    cfg.StrOpt(
        'compute_link_prefix',
        help='What links to compute resources begin with, when users reach the API by another address than its own.',
    ),
    cfg.StrOpt(
        'glance_link_prefix',
        help='What links to images begin with, when users reach the image service by another address.',
    ),
    cfg.BoolOpt(
        'enable_instance_password',
        default=True,
        help="Whether the answer to a create request tells the server's administrator password.",
    ),
    cfg.BoolOpt(
        'list_records_by_skipping_down_cells',
        default=True,
        help='Whether lists leave out cells that do not answer. Otherwise such a list fails.',
    ),
    cfg.StrOpt(
        'dhcp_domain',
        default='novalocal',
        help="The domain that metadata appends to a server's host name. Empty for none.",
    ),
    cfg.StrOpt(
        'config_drive_skip_versions',
        default='1.0 2007-01-19 2007-03-01 2007-08-29 2007-10-10 2007-12-15 2008-02-01 2008-09-01',
        help='Versions of EC2-style metadata that config drives do not have, separated by spaces.',
    ),
    cfg.IntOpt(
        'metadata_cache_expiration',
        default=15,
        min=0,
        help='Seconds that the metadata of a server is kept between two requests of its guest. 0 means not at all.',
    ),
    cfg.BoolOpt(
        'local_metadata_per_cell',
        default=False,
        help='Whether the metadata service runs in each cell and looks at its database only.',
    ),
    cfg.ListOpt(
        'vendordata_providers',
        default=['StaticJSON'],
        help='Where vendor data in metadata comes from: StaticJSON is the file that vendordata_jsonfile_path names.',
    ),
    cfg.StrOpt('vendordata_jsonfile_path', help='The file with the vendor data, in JSON.'),
]
