"""An operation as it is kept: what was asked, how far it is, and which conductor runs it."""

import dataclasses
import datetime
from typing import Any

# WAITING: it begins when what is being done to its server has ended.
RUNNING, DONE, FAILED, STUCK, WAITING = 'running', 'done', 'failed', 'stuck', 'waiting'
DOING, UNDOING = 'doing', 'undoing'


@dataclasses.dataclass(frozen=True)
class OperationRow:
    """One journal. Parameters, context and steps are plain data; `cell_id` is None while the journal is in the API database."""

    id: str
    verb: str
    server_id: str
    cell_id: str | None = None
    project_id: str | None = None
    user_id: str | None = None
    request_id: str | None = None
    parameters: dict[str, Any] = dataclasses.field(default_factory=dict)
    context: dict[str, Any] = dataclasses.field(default_factory=dict)
    direction: str = DOING
    status: str = RUNNING
    # What each step came to; the engine alone knows the form.
    steps: list[Any] = dataclasses.field(default_factory=list)
    attempt: int = 1
    # The error that turned the operation round: its class as `kind`, its sentence as `text`.
    failure: dict[str, Any] | None = None
    stop_requested: bool = False
    activity: str | None = None
    owner: str | None = None
    lease_until: datetime.datetime | None = None
    deadline_at: datetime.datetime | None = None
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None
    finished_at: datetime.datetime | None = None
