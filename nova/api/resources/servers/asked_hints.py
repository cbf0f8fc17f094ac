"""What a request tells the scheduler, and the server group that its servers join."""

from collections.abc import Sequence
from typing import Any

from nova import errors
from nova.api import quota
from nova.api.request import Request
from nova.db.stores import server_groups

_NAMES = ('os:scheduler_hints', 'OS-SCH-HNT:scheduler_hints')


def wanted(request: Request) -> dict[str, Any]:
    """The hints; those that we know have been checked by their schema, others are passed on."""
    hints: dict[str, Any] = next((request.document[name] for name in _NAMES if request.document.get(name)), {})
    if group_id := hints.get('group'):
        with request.databases.api.reading() as tx:
            _refuse_foreign(tx, request, group_id)
    return hints


def group_room(tx: Any, request: Request, hints: dict[str, Any], least: int, most: int) -> int:
    """How many servers may join the group, from `least` to `most`; raises OverQuota for fewer."""
    if not hints.get('group'):
        return most
    _refuse_foreign(tx, request, hints['group'])
    return quota.room_in_group(tx, request, hints['group'], least, most)


def join_group(tx: Any, hints: dict[str, Any], server_ids: Sequence[str]) -> None:
    if hints.get('group'):
        server_groups.add_members(tx, hints['group'], server_ids)


def _refuse_foreign(tx: Any, request: Request, group_id: str) -> None:
    owner = server_groups.owner(tx, group_id)
    if owner is None or not (request.context.is_admin or owner == request.context.project_id):
        raise errors.Invalid(f'Instance group {group_id} could not be found.')
