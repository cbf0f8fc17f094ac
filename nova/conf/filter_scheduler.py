"""Options of the rules that choose a host: filters and weighers."""

from oslo_config import cfg


def _multiplier(name: str, default: float, prefers: str) -> cfg.FloatOpt:
    return cfg.FloatOpt(
        f'{name}_weight_multiplier',
        default=default,
        help=f'How much it counts that a host {prefers}. A negative number turns the preference round.',
    )


GROUP = 'filter_scheduler'
OPTS = [
    cfg.ListOpt(
        'enabled_filters',
        default=[
            'ComputeFilter',
            'ComputeCapabilitiesFilter',
            'ImagePropertiesFilter',
            'ServerGroupAntiAffinityFilter',
            'ServerGroupAffinityFilter',
        ],
        help='The rules that a host must satisfy to take a server.',
    ),
    cfg.ListOpt(
        'weight_classes',
        default=['nova.scheduler.weights.all_weighers'],
        help='The weighers that order the hosts: the built-in ones, or classes by their full names.',
    ),
    cfg.IntOpt(
        'host_subset_size',
        default=1,
        min=1,
        help='Of how many of the best hosts one is taken by chance. More makes schedulers collide less.',
    ),
    cfg.BoolOpt(
        'shuffle_best_same_weighed_hosts',
        default=False,
        help='Whether hosts that weigh the same are taken in random order.',
    ),
    cfg.IntOpt('max_instances_per_host', default=50, min=1, help='How many servers NumInstancesFilter grants a host.'),
    cfg.StrOpt(
        'image_properties_default_architecture',
        help='The architecture of images that do not name one.',
    ),
    _multiplier('ram', 1.0, 'has much free memory'),
    _multiplier('cpu', 1.0, 'has many free virtual processors'),
    _multiplier('disk', 1.0, 'has much free disk space'),
    _multiplier('io_ops', -1.0, 'is busy with builds and moves'),
    _multiplier('num_instances', 0.0, 'has many servers'),
    _multiplier('build_failure', 1000000.0, 'did not fail to build servers lately'),
    _multiplier('hypervisor_version', 1.0, 'has a new hypervisor'),
    cfg.FloatOpt(
        'soft_affinity_weight_multiplier',
        default=1.0,
        min=0.0,
        help='How much it counts that a host has members of a server group that would rather be together.',
    ),
    cfg.FloatOpt(
        'soft_anti_affinity_weight_multiplier',
        default=1.0,
        min=0.0,
        help='How much it counts that a host has few members of a server group that would rather be apart.',
    ),
]

for option in OPTS:
    option.mutable = True  # the scheduler takes them up at SIGHUP
