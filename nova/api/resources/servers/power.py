"""Switch a server on and off, hold it, and make it start again."""

from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers.verbs import ACTION, admit, not_built, nothing
from nova.api.routes import route
from nova.api.schema import Body, Field

STOP = policy.project_member('os_compute_api:servers:stop', 'Stops a server.')
START = policy.project_member('os_compute_api:servers:start', 'Starts a server.')
REBOOT = policy.project_member('os_compute_api:servers:reboot', 'Reboots a server.')
PAUSE = policy.project_member('os_compute_api:os-pause-server:pause', 'Pauses a server.')
UNPAUSE = policy.project_member('os_compute_api:os-pause-server:unpause', 'Lets a paused server go on.')
SUSPEND = policy.project_member('os_compute_api:os-suspend-server:suspend', 'Suspends a server.')
RESUME = policy.project_member('os_compute_api:os-suspend-server:resume', 'Resumes a suspended server.')
CRASH_DUMP = policy.project_member(
    'os_compute_api:servers:trigger_crash_dump', "Makes a server's system crash and dump its memory."
)

SOFT, HARD = ('SOFT', 'Soft', 'soft'), ('HARD', 'Hard', 'hard')
REBOOT_BODY = Body('reboot', Field('type', {'type': 'string', 'enum': [*SOFT, *HARD]}, required=True))


@route('POST', ACTION, action='os-stop', policy=STOP, body=nothing('os-stop'), status=202)
def stop(request: Request, server_id: str) -> None:
    admit(request, server_id, STOP, 'stop')
    not_built('Stopping a server')


@route('POST', ACTION, action='os-start', policy=START, body=nothing('os-start'), status=202)
def start(request: Request, server_id: str) -> None:
    admit(request, server_id, START, 'start')
    not_built('Starting a server')


@route('POST', ACTION, action='reboot', policy=REBOOT, body=REBOOT_BODY, status=202)
def reboot(request: Request, server_id: str) -> None:
    """Soft asks the guest's system to; hard switches it off and makes it anew."""
    admit(request, server_id, REBOOT, 'reboot_hard' if request.body['type'] in HARD else 'reboot')
    not_built('Rebooting a server')


@route('POST', ACTION, action='pause', policy=PAUSE, body=nothing('pause'), status=202)
def pause(request: Request, server_id: str) -> None:
    """Its memory stays where it is."""
    admit(request, server_id, PAUSE, 'pause')
    not_built('Pausing a server')


@route('POST', ACTION, action='unpause', policy=UNPAUSE, body=nothing('unpause'), status=202)
def unpause(request: Request, server_id: str) -> None:
    admit(request, server_id, UNPAUSE, 'unpause')
    not_built('Letting a paused server go on')


@route('POST', ACTION, action='suspend', policy=SUSPEND, body=nothing('suspend'), status=202)
def suspend(request: Request, server_id: str) -> None:
    """Its memory goes to the host's disk."""
    admit(request, server_id, SUSPEND, 'suspend')
    not_built('Suspending a server')


@route('POST', ACTION, action='resume', policy=RESUME, body=nothing('resume'), status=202)
def resume(request: Request, server_id: str) -> None:
    admit(request, server_id, RESUME, 'resume')
    not_built('Resuming a server')


@route(
    'POST',
    ACTION,
    action='trigger_crash_dump',
    policy=CRASH_DUMP,
    body=nothing('trigger_crash_dump'),
    since='2.17',
    status=202,
)
def trigger_crash_dump(request: Request, server_id: str) -> None:
    admit(request, server_id, CRASH_DUMP, 'trigger_crash_dump')
    not_built('Triggering a crash dump')
