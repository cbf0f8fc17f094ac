"""Options of the images that a compute host keeps."""

from oslo_config import cfg

GROUP = 'image_cache'
OPTS = [
    cfg.StrOpt(
        'subdirectory_name',
        default='_base',
        deprecated_opts=[cfg.DeprecatedOpt('image_cache_subdirectory_name', group='DEFAULT')],
        help='The name of the directory of cached images, under instances_path.',
    ),
    cfg.IntOpt(
        'manager_interval',
        default=2400,
        min=-1,
        deprecated_opts=[cfg.DeprecatedOpt('image_cache_manager_interval', group='DEFAULT')],
        help='Seconds between two looks for cached images that no guest uses. 0 means the usual 60; -1 means never.',
    ),
    cfg.BoolOpt(
        'remove_unused_base_images',
        default=True,
        deprecated_opts=[cfg.DeprecatedOpt('remove_unused_base_images', group='DEFAULT')],
        help='Whether cached images that no guest uses are removed.',
    ),
    cfg.IntOpt(
        'remove_unused_original_minimum_age_seconds',
        default=86400,
        deprecated_opts=[cfg.DeprecatedOpt('remove_unused_original_minimum_age_seconds', group='DEFAULT')],
        help='Seconds that an unused image is kept before it is removed.',
    ),
    cfg.IntOpt(
        'precache_concurrency',
        default=1,
        min=1,
        help='On how many hosts at once images are fetched ahead of time, when that is asked for an aggregate.',
    ),
]
