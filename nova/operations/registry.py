"""Every verb there is."""

from typing import Any

from nova.domain import record
from nova.operations.attach_interface import AttachInterface
from nova.operations.change_password import ChangePassword
from nova.operations.confirm_resize import ConfirmResize
from nova.operations.create_backup import CreateBackup
from nova.operations.create_image import CreateImage
from nova.operations.create_server import CreateServer
from nova.operations.delete_server import DeleteServer
from nova.operations.detach_interface import DetachInterface
from nova.operations.inject_network_info import InjectNetworkInfo
from nova.operations.operation import Operation
from nova.operations.pause_server import PauseServer
from nova.operations.power_off import PowerOff
from nova.operations.power_on import PowerOn
from nova.operations.reboot_server import RebootServer, RebootServerHard
from nova.operations.rebuild_server import RebuildServer
from nova.operations.rescue_server import RescueServer
from nova.operations.resize_server import ResizeServer
from nova.operations.restore_server import RestoreServer
from nova.operations.resume_server import ResumeServer
from nova.operations.revert_resize import RevertResize
from nova.operations.shelve_offload_server import ShelveOffloadServer
from nova.operations.shelve_server import ShelveServer
from nova.operations.soft_delete_server import SoftDeleteServer
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
        ResizeServer,
        ConfirmResize,
        RevertResize,
        CreateImage,
        CreateBackup,
        ShelveServer,
        ShelveOffloadServer,
        UnshelveServer,
        ChangePassword,
        RebuildServer,
        RescueServer,
        UnrescueServer,
        AttachInterface,
        DetachInterface,
        InjectNetworkInfo,
        SoftDeleteServer,
        RestoreServer,
        PowerOff,
        PowerOn,
    )
}


def load(verb: str, parameters: dict[str, Any]) -> Operation:
    """The operation that was stored as these parameters."""
    return record.load(OPERATIONS[verb], parameters)
