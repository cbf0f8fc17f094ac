"""Usage of projects: for how long their servers ran, and what they took."""

import dataclasses
import datetime
import itertools
from collections.abc import Iterable
from typing import Any

from nova import errors
from nova.api import policy
from nova.api.hosts import gather
from nova.api.request import Request
from nova.api.routes import route
from nova.api.schema import QUERY_NUMBER, QUERY_TEXT, Field, Query
from nova.db.stores import mappings, usage
from nova.domain.usage import ServerUsage

LIST = policy.admin('os_compute_api:os-simple-tenant-usage:list', 'Show what each project has used.')
SHOW = policy.project_reader('os_compute_api:os-simple-tenant-usage:show', 'Show what a project has used.')

_SPAN = (
    Field('start', QUERY_TEXT, many=True),
    Field('end', QUERY_TEXT, many=True),
    Field('limit', QUERY_NUMBER, since='2.40', many=True),
    Field('marker', QUERY_TEXT, since='2.40', many=True),
)
ALL = Query(*_SPAN, Field('detailed', QUERY_TEXT, many=True))
ONE = Query(*_SPAN)
_FORMS = ('%Y-%m-%dT%H:%M:%S', '%Y-%m-%dT%H:%M:%S.%f', '%Y-%m-%d %H:%M:%S.%f')


@dataclasses.dataclass(frozen=True)
class Span:
    """What is asked about. `now` is when."""

    start: datetime.datetime
    stop: datetime.datetime
    now: datetime.datetime


@route(
    'GET',
    '/os-simple-tenant-usage',
    policy=LIST,
    query=ALL,
    samples=(
        'os-simple-tenant-usage/simple-tenant-usage-get.json',
        'os-simple-tenant-usage/simple-tenant-usage-get-detail.json',
        'os-simple-tenant-usage/v2.40/simple-tenant-usage-get.json',
        'os-simple-tenant-usage/v2.40/simple-tenant-usage-get-detail.json',
    ),
)
def listing(request: Request) -> dict[str, Any]:
    span = _span(request)
    page = _page(request, span)
    detailed = request.params.get('detailed') == '1'
    by_project = itertools.groupby(page, key=lambda server: server.project_id)
    answer: dict[str, Any] = {
        'tenant_usages': [view(project, servers, span, detailed) for project, servers in by_project]
    }
    return answer | _links(request, 'tenant_usages_links', page, 'os-simple-tenant-usage')


@route(
    'GET',
    '/os-simple-tenant-usage/{project_id}',
    policy=None,
    query=ONE,
    samples=(
        'os-simple-tenant-usage/simple-tenant-usage-get-specific.json',
        'os-simple-tenant-usage/v2.40/simple-tenant-usage-get-specific.json',
    ),
)
def show(request: Request, project_id: str) -> dict[str, Any]:
    request.require(SHOW, project_id=project_id)
    span = _span(request)
    page = _page(request, span, project_id)
    answer: dict[str, Any] = {'tenant_usage': view(project_id, page, span, True) if page else {}}
    return answer | _links(request, 'tenant_usage_links', page, 'os-simple-tenant-usage', project_id)


def view(project_id: str, servers: Iterable[ServerUsage], span: Span, detailed: bool) -> dict[str, Any]:
    """A project's sums, and with `detailed` each of its servers."""
    shown = [_server(server, span) for server in servers]

    def total(name: str) -> float:
        return float(sum(server[name] * server['hours'] for server in shown))

    return {
        'tenant_id': project_id,
        'start': _moment(span.start),
        'stop': _moment(span.stop),
        'total_hours': float(sum(server['hours'] for server in shown)),
        'total_local_gb_usage': total('local_gb'),
        'total_memory_mb_usage': total('memory_mb'),
        'total_vcpus_usage': total('vcpus'),
    } | ({'server_usages': shown} if detailed else {})


def _server(server: ServerUsage, span: Span) -> dict[str, Any]:
    return {
        'instance_id': server.id,
        'name': server.name,
        'tenant_id': server.project_id,
        'flavor': server.flavor.name,
        'hours': server.hours(span.start, span.stop),
        'memory_mb': server.flavor.memory_mb,
        'local_gb': server.disk_gb,
        'vcpus': server.flavor.vcpus,
        'started_at': _moment(server.launched_at),
        'ended_at': _moment(server.terminated_at),
        'state': 'terminated' if server.terminated_at else server.state.value,
        'uptime': server.uptime(span.now),
    }


def _page(request: Request, span: Span, project_id: str | None = None) -> list[ServerUsage]:
    limit, marker = request.page()
    after = _place(request, marker) if marker is not None else None
    found = gather(request, lambda tx, _cell: usage.in_span(tx, span.start, span.stop, project_id, limit, after)).items
    return sorted(found, key=lambda server: (server.project_id, server.id))[:limit]


def _place(request: Request, marker: str) -> tuple[str, str]:
    """The project and the id of the last server of the page before."""
    with request.databases.api.reading() as tx:
        mapping = mappings.find(tx, marker)
    if mapping is None:
        raise errors.Invalid(f'marker [{marker[:64]}] not found')
    return mapping.project_id, marker


def _links(request: Request, key: str, page: list[ServerUsage], *path: str) -> dict[str, Any]:
    if not page or request.version < (2, 40):
        return {}
    links = request.next_link(page, page[-1].id, *path)
    return {key: links} if links else {}


def _span(request: Request) -> Span:
    now = request.services.clock()
    start, stop = (_parsed(request.params.get(name)) or now for name in ('start', 'end'))
    # Both are now unless they are said.
    if start > stop or (start == stop and 'start' in request.params):
        raise errors.Invalid('Invalid start time. The start time cannot occur after the end time.')
    return Span(start, stop, now)


def _parsed(text: str | None) -> datetime.datetime | None:
    if not text:
        return None
    for form in _FORMS:
        try:
            return datetime.datetime.strptime(text, form).replace(tzinfo=datetime.UTC)
        except ValueError:
            continue
    raise errors.Invalid(f'Datetime is in invalid format: {text[:64]}')


def _moment(moment: datetime.datetime | None) -> str | None:
    """In UTC, without saying so."""
    return moment.astimezone(datetime.UTC).replace(tzinfo=None).isoformat() if moment else None
