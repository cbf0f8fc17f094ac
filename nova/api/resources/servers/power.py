"""Switch a server on and off, hold it, and make it start again."""

from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers.verbs import ACTION, admit, begin, nothing
from nova.api.routes import route
from nova.api.schema import Body, Field
from nova.operations.guest_operation import shutdown_timeout, with_guest
from nova.operations.pause_server import PauseServer
from nova.operations.reboot_server import RebootServer, RebootServerHard
from nova.operations.resume_server import ResumeServer
from nova.operations.start_server import StartServer
from nova.operations.stop_server import StopServer
from nova.operations.suspend_server import SuspendServer
from nova.operations.trigger_crash_dump import TriggerCrashDump
from nova.operations.unpause_server import UnpauseServer

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
    server = admit(request, server_id, STOP, 'stop')
    begin(request, StopServer(**with_guest(server), timeout=shutdown_timeout(server)))


@route('POST', ACTION, action='os-start', policy=START, body=nothing('os-start'), status=202)
def start(request: Request, server_id: str) -> None:
    begin(request, StartServer(**with_guest(admit(request, server_id, START, 'start'))))


@route('POST', ACTION, action='reboot', policy=REBOOT, body=REBOOT_BODY, status=202)
def reboot(request: Request, server_id: str) -> None:
    """Soft asks the guest's system to; hard switches it off and makes it anew."""
    if request.body['type'] in HARD:
        begin(request, RebootServerHard(**with_guest(admit(request, server_id, REBOOT, 'reboot_hard'))))
        return
    server = admit(request, server_id, REBOOT, 'reboot')
    begin(request, RebootServer(**with_guest(server), timeout=shutdown_timeout(server)))


@route('POST', ACTION, action='pause', policy=PAUSE, body=nothing('pause'), status=202)
def pause(request: Request, server_id: str) -> None:
    """Its memory stays where it is."""
    begin(request, PauseServer(**with_guest(admit(request, server_id, PAUSE, 'pause'))))


@route('POST', ACTION, action='unpause', policy=UNPAUSE, body=nothing('unpause'), status=202)
def unpause(request: Request, server_id: str) -> None:
    begin(request, UnpauseServer(**with_guest(admit(request, server_id, UNPAUSE, 'unpause'))))


@route('POST', ACTION, action='suspend', policy=SUSPEND, body=nothing('suspend'), status=202)
def suspend(request: Request, server_id: str) -> None:
    """Its memory goes to the host's disk."""
    begin(request, SuspendServer(**with_guest(admit(request, server_id, SUSPEND, 'suspend'))))


@route('POST', ACTION, action='resume', policy=RESUME, body=nothing('resume'), status=202)
def resume(request: Request, server_id: str) -> None:
    begin(request, ResumeServer(**with_guest(admit(request, server_id, RESUME, 'resume'))))


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
    begin(request, TriggerCrashDump(**with_guest(admit(request, server_id, CRASH_DUMP, 'trigger_crash_dump'))))
