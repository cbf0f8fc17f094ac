"""Every verb there is."""

from typing import Any

from nova.domain import record
from nova.operations.create_server import CreateServer
from nova.operations.delete_server import DeleteServer
from nova.operations.operation import Operation
from nova.operations.pause_server import PauseServer
from nova.operations.reboot_server import RebootServer, RebootServerHard
from nova.operations.resume_server import ResumeServer
from nova.operations.start_server import StartServer
from nova.operations.stop_server import StopServer
from nova.operations.suspend_server import SuspendServer
from nova.operations.trigger_crash_dump import TriggerCrashDump
from nova.operations.unpause_server import UnpauseServer

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
    )
}


def load(verb: str, parameters: dict[str, Any]) -> Operation:
    """The operation that was stored as these parameters."""
    return record.load(OPERATIONS[verb], parameters)
