"""Show what was done to a server: a view of the journals of its operations."""

import dataclasses
import datetime
from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers.find import find
from nova.api.resources.servers.views import exact_time
from nova.api.routes import route
from nova.api.schema import QUERY_NUMBER, QUERY_TEXT, Field, Query, parse_time
from nova.db.stores import operations
from nova.domain import lifecycle, record
from nova.domain.operation import FAILED, STUCK, OperationRow
from nova.domain.server import Server
from nova.saga.journal import Entry

LIST = policy.project_reader('os_compute_api:os-instance-actions:list', 'Lists what was done to a server.')
SHOW = policy.project_reader('os_compute_api:os-instance-actions:show', 'Shows something that was done to a server.')
EVENTS = policy.admin('os_compute_api:os-instance-actions:events', 'Shows on which host each step ran, and its errors.')
EVENT_DETAILS = policy.admin('os_compute_api:os-instance-actions:events:details', 'Shows why a step failed.')

QUERY = Query(
    Field('limit', QUERY_NUMBER, since='2.58'),
    Field('marker', QUERY_TEXT, since='2.58'),
    Field('changes-since', QUERY_TEXT, since='2.58'),
    Field('changes-before', QUERY_TEXT, since='2.66'),
    loose_until='2.57',
)


@route(
    'GET',
    '/servers/{server_id}/os-instance-actions',
    policy=LIST,
    query=QUERY,
    samples=tuple(
        f'os-instance-actions/{version}instance-actions-list-resp.json'
        for version in ('', 'v2.21/', 'v2.51/', 'v2.58/', 'v2.62/', 'v2.66/', 'v2.84/')
    ),
)
def index(request: Request, server_id: str) -> dict[str, Any]:
    server = _find(request, server_id, LIST)
    limit, marker = request.page()
    earliest, latest = _span(request)
    rows = [row for row in _rows(request, server) if earliest <= _changed_at(row) <= latest]
    if marker:
        names = [row.request_id for row in rows]
        if marker not in names:
            raise errors.Invalid(f'marker [{marker[:64]}] not found')
        rows = rows[names.index(marker) + 1 :]
    rows = rows[:limit]
    answer: dict[str, Any] = {'instanceActions': [_summary(request, row) for row in rows]}
    links = request.next_link(rows, rows[-1].request_id if rows else '', 'servers', server_id, 'os-instance-actions')
    return {**answer, 'links': links} if links and request.version >= (2, 58) else answer


@route(
    'GET',
    '/servers/{server_id}/os-instance-actions/{request_id}',
    policy=SHOW,
    samples=tuple(
        f'os-instance-actions/{version}instance-action-get-resp.json'
        for version in ('', 'v2.21/', 'v2.51/', 'v2.58/', 'v2.62/', 'v2.66/', 'v2.84/')
    ),
)
def show(request: Request, server_id: str, request_id: str) -> dict[str, Any]:
    server = _find(request, server_id, SHOW)
    row = next((row for row in _rows(request, server) if row.request_id == request_id), None)
    if row is None:
        raise errors.NotFound(f'Action for request_id {request_id[:64]} on instance {server_id} not found')
    shown = _summary(request, row)
    if request.version >= (2, 51) or request.may(EVENTS):
        shown['events'] = _events(request, server, row)
    return {'instanceAction': shown}


def _find(request: Request, server_id: str, rule: policy.Rule) -> Server:
    return find(request, server_id, rule, deleted=request.version >= (2, 21))


def _rows(request: Request, server: Server) -> list[OperationRow]:
    """The server's operations, newest first: its creation is kept in the API database, all else in its cell's."""
    with request.databases.api.reading() as tx:
        rows = operations.of_server(tx, server.id)
    if server.cell_id is not None:
        with request.databases.cell(server.cell_id).reading() as tx:
            known = {row.id for row in rows}
            rows += [row for row in operations.of_server(tx, server.id) if row.id not in known]
    return sorted(rows, key=lambda row: row.created_at, reverse=True)


def _span(request: Request) -> tuple[datetime.datetime, datetime.datetime]:
    """From when to when the operations that are asked for changed last."""
    since = _moment(request, 'changes-since', datetime.datetime.min)
    before = _moment(request, 'changes-before', datetime.datetime.max)
    if since > before:
        raise errors.Invalid('The value of changes-since must be less than or equal to changes-before.')
    return since, before


def _moment(request: Request, name: str, default: datetime.datetime) -> datetime.datetime:
    text = request.params.get(name)
    if text is None:
        return default.replace(tzinfo=datetime.UTC)
    moment = parse_time(text)
    if moment is None:
        raise errors.Invalid(f'Invalid filter field: {name}.')
    return moment


def _changed_at(row: OperationRow) -> datetime.datetime:
    return row.finished_at or row.updated_at or row.created_at


def _summary(request: Request, row: OperationRow) -> dict[str, Any]:
    shown = {
        'action': lifecycle.history(row.verb),
        'instance_uuid': row.server_id,
        'request_id': row.request_id,
        'user_id': row.user_id,
        'project_id': row.project_id,
        'start_time': exact_time(row.created_at),
        'message': 'Error' if row.status in (FAILED, STUCK) else None,
    }
    return {**shown, 'updated_at': exact_time(_changed_at(row))} if request.version >= (2, 58) else shown


def _events(request: Request, server: Server, row: OperationRow) -> list[dict[str, Any]]:
    """Each step, shown as of the host that it was for, even if the server has moved since."""
    entries = record.load(list[Entry], row.steps)
    hosts = {entry.attempt: row.parameters.get('host') for entry in entries}
    # What chooses a host notes it as its result; each attempt may get another one.
    hosts |= {
        entry.attempt: entry.result['host']
        for entry in entries
        if isinstance(entry.result, dict) and entry.result.get('host')
    }
    return [_event(request, dataclasses.replace(server, host=hosts[entry.attempt]), entry) for entry in entries]


def _event(request: Request, server: Server, entry: Entry) -> dict[str, Any]:
    shown = {
        'event': entry.name,
        'start_time': _from_epoch(entry.began_at),
        'finish_time': _from_epoch(entry.ended_at),
        'result': None if entry.ended_at is None else 'Error' if entry.error else 'Success',
    }
    whole = request.may(EVENTS)
    if whole:
        shown['traceback'] = entry.error
    if request.version >= (2, 62):
        shown['hostId'] = server.host_id
        if whole:
            shown['host'] = server.host
    if request.version >= (2, 84) and request.may(EVENT_DETAILS):
        shown['details'] = entry.error
    return shown


def _from_epoch(seconds: float | None) -> str | None:
    return exact_time(datetime.datetime.fromtimestamp(seconds, datetime.UTC)) if seconds else None
