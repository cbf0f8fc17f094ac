"""Options of what a project may have when nobody set it a quota of its own."""

from oslo_config import cfg


def _limit(name: str, default: int, what: str) -> cfg.IntOpt:
    return cfg.IntOpt(
        name,
        default=default,
        min=-1,
        deprecated_opts=[cfg.DeprecatedOpt(f'quota_{name}', group='DEFAULT')],
        help=f'How many {what}. -1 means no limit.',
    )


GROUP = 'quota'
OPTS = [
    _limit('instances', 10, 'servers a project may have'),
    _limit('cores', 20, "virtual processors a project's servers may have in all"),
    _limit('ram', 51200, "MiB of memory a project's servers may have in all"),
    _limit('metadata_items', 128, 'metadata items a server may have'),
    _limit('injected_files', 5, 'files may be injected into a server'),
    _limit('injected_file_content_bytes', 10240, 'bytes an injected file may have'),
    _limit('injected_file_path_length', 255, 'bytes the path of an injected file may have'),
    _limit('key_pairs', 100, 'key pairs a user may have'),
    _limit('server_groups', 10, 'server groups a project may have'),
    _limit('server_group_members', 10, 'servers a server group may have'),
    cfg.StrOpt(
        'driver',
        default='nova.quota.DbQuotaDriver',
        choices=[
            ('nova.quota.DbQuotaDriver', 'Limits are in the API database.'),
            ('nova.quota.NoopQuotaDriver', 'Nothing is limited.'),
            ('nova.quota.UnifiedLimitsDriver', 'Limits are in Keystone.'),
        ],
        help='Where limits come from.',
    ),
]
