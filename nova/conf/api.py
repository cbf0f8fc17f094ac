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
        help='Where vendor data in metadata comes from: StaticJSON is the file that vendordata_jsonfile_path names, '
        'DynamicJSON the services that vendordata_dynamic_targets names.',
    ),
    cfg.StrOpt('vendordata_jsonfile_path', help='The file with the vendor data, in JSON.'),
    cfg.ListOpt(
        'vendordata_dynamic_targets',
        default=[],
        help='Services that are asked for the vendor data of each server, as <name>@<url>: they are sent a POST that '
        'describes the server in JSON, and what they answer in JSON stands in vendor_data2.json under their name.',
    ),
    cfg.StrOpt(
        'vendordata_dynamic_ssl_certfile',
        default='',
        help='The file with the certificates by which these services are known. Empty for those of the system.',
    ),
    cfg.IntOpt(
        'vendordata_dynamic_connect_timeout',
        default=5,
        min=3,
        help='Seconds to wait for a connection to one of these services.',
    ),
    cfg.IntOpt(
        'vendordata_dynamic_read_timeout',
        default=5,
        min=0,
        help='Seconds to wait for an answer of one of these services. 0 means as long as it takes.',
    ),
    cfg.BoolOpt(
        'vendordata_dynamic_failure_fatal',
        default=False,
        help='Whether guests get no vendor_data2.json, and no config drive, while one of these services does not answer.',
    ),
]
