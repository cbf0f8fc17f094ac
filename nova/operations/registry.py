"""Every verb there is."""

from typing import Any

from nova.domain import record
from nova.operations.change_password import ChangePassword
from nova.operations.create_backup import CreateBackup
from nova.operations.create_image import CreateImage
from nova.operations.create_server import CreateServer
from nova.operations.delete_server import DeleteServer
from nova.operations.operation import Operation
from nova.operations.pause_server import PauseServer
from nova.operations.reboot_server import RebootServer, RebootServerHard
from nova.operations.rebuild_server import RebuildServer
from nova.operations.rescue_server import RescueServer
from nova.operations.resume_server import ResumeServer
from nova.operations.shelve_offload_server import ShelveOffloadServer
from nova.operations.shelve_server import ShelveServer
from nova.operations.start_server import StartServer
from nova.operations.stop_server import StopServer
from nova.operations.suspend_server import SuspendServer
from nova.operations.trigger_crash_dump import TriggerCrashDump
from nova.operations.unpause_server import UnpauseServer
from nova.operations.unrescue_server import UnrescueServer
from nova.operations.unshelve_server import UnshelveServer

OPERATIONS: dict[str, type[Operation]] = {
    operation.verb: operation
    for operation in (
        CreateServer,
        DeleteServer,
        StartServer,
        StopServer,
        RebootServer,
        RebootServerHard,
        PauseServer,
        UnpauseServer,
        SuspendServer,
        ResumeServer,
        TriggerCrashDump,
        CreateImage,
        CreateBackup,
        ShelveServer,
        ShelveOffloadServer,
        UnshelveServer,
        ChangePassword,
        RebuildServer,
        RescueServer,
        UnrescueServer,
    )
}


def load(verb: str, parameters: dict[str, Any]) -> Operation:
    """The operation that was stored as these parameters."""
    return record.load(OPERATIONS[verb], parameters)
