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
        'handle_virt_lifecycle_events',
        default=True,
        help='Whether a host tells at once when one of its guests stops or starts by itself. Otherwise it is found out at the '
        'next comparison; see sync_power_state_interval.',
    ),
]
