"""The address that servers had where they were booted from volumes: the same calls."""

from nova.api.routes import Alias

ALIASES = (
    Alias(
        '/os-volumes_boot',
        of='/servers',
        endings=('', '/detail', '/{server_id}', '/{server_id}/action'),
        actions=frozenset(
            {
                'confirmResize',
                'createImage',
                'os-start',
                'os-stop',
                'reboot',
                'rebuild',
                'resize',
                'revertResize',
                'trigger_crash_dump',
            }
        ),
    ),
)
