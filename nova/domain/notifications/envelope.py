"""A notification, and the form that its payload has in the world: named, versioned, and nested."""

import dataclasses
import datetime
from typing import Any

UNVERSIONED, VERSIONED, BOTH = 'unversioned', 'versioned', 'both'
VM_STATE, VM_AND_TASK_STATE = 'vm_state', 'vm_and_task_state'
INFO, ERROR = 'INFO', 'ERROR'

_DATA = 'nova_object.data'


@dataclasses.dataclass(frozen=True)
class Notification:
    """`publisher_id` is `binary:host`; the payload is versioned."""

    event_type: str
    payload: dict[str, Any]
    publisher_id: str
    priority: str = INFO


@dataclasses.dataclass(frozen=True)
class Wishes:
    """What the operator wants to be told, and in which format."""

    format: str = UNVERSIONED
    # Of unversioned notifications that tell of no error.
    default_level: str = INFO
    # VM_STATE, VM_AND_TASK_STATE, or None: changes of state are told as the ends of verbs only.
    on_state_change: str | None = None
    with_disks: bool = False
    audit_period: str = 'month'


def envelope(name: str, version: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        'nova_object.name': name,
        'nova_object.namespace': 'nova',
        'nova_object.version': version,
        _DATA: data,
    }


def plain(payload: Any) -> Any:
    """An unversioned payload: the data without its envelopes."""
    if isinstance(payload, dict):
        return {name: plain(value) for name, value in payload.get(_DATA, payload).items()}
    return [plain(value) for value in payload] if isinstance(payload, list) else payload


def unversioned(notification: Notification, default_level: str = INFO) -> Notification:
    """The same without versions. Servers are `compute.instance` there."""
    event_type = notification.event_type
    return dataclasses.replace(
        notification,
        event_type=f'compute.{event_type}' if event_type.startswith('instance.') else event_type,
        payload=plain(notification.payload),
        priority=default_level if notification.priority == INFO else notification.priority,
    )


def moment(at: datetime.datetime | None) -> str | None:
    return at.astimezone(datetime.UTC).strftime('%Y-%m-%dT%H:%M:%SZ') if at else None
