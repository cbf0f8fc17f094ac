"""Options that do without a feature where it makes trouble."""

from oslo_config import cfg

GROUP = 'workarounds'
OPTS = [
    cfg.BoolOpt(
        'disable_libvirt_livesnapshot',
        default=False,
        help='Whether guests of libvirt are saved while images are made of them, and go on afterwards, rather than being copied '
        'while they run.',
    ),
    cfg.BoolOpt(
        'libvirt_disable_apic',
        default=False,
        help='Whether guests have no APIC, as some kernels need it whose processors are emulated.',
    ),
    cfg.BoolOpt(
        'reserve_disk_resource_for_image_cache',
        default=False,
        help="Whether what the image cache takes of the guests' disk is kept from servers, besides reserved_host_disk_mb.",
    ),
    cfg.BoolOpt(
        'skip_cpu_compare_at_startup',
        default=False,
        help='Whether a host takes guests without having looked whether it can run the models in [libvirt] cpu_models.',
    ),
    cfg.BoolOpt(
        'handle_virt_lifecycle_events',
        default=True,
        help='Whether a host tells at once when one of its guests stops or starts by itself. Otherwise it is found out at the '
        'next comparison; see sync_power_state_interval.',
    ),
]
