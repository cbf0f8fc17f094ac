"""Every verb there is."""

from typing import Any

from nova.domain import record
from nova.operations.create_server import CreateServer
from nova.operations.delete_server import DeleteServer
from nova.operations.operation import Operation

OPERATIONS: dict[str, type[Operation]] = {operation.verb: operation for operation in (CreateServer, DeleteServer)}


def load(verb: str, parameters: dict[str, Any]) -> Operation:
    """The operation that was stored as these parameters."""
    return record.load(OPERATIONS[verb], parameters)
