"""Show and change the tags of servers."""

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from nova import errors
from nova.api import policy, tell
from nova.api.request import Answer, Request
from nova.api.resources.servers.bodies import TAGS
from nova.api.resources.servers.find import find, find_placed, refuse_unless_made
from nova.api.routes import route
from nova.api.schema import Body, Field
from nova.db.stores import servers

INDEX = policy.project_reader('os_compute_api:os-server-tags:index', "Lists a server's tags.")
SHOW = policy.project_reader('os_compute_api:os-server-tags:show', 'Tells whether a server has a tag.')
UPDATE_ALL = policy.project_member('os_compute_api:os-server-tags:update_all', "Replaces a server's tags.")
UPDATE = policy.project_member('os_compute_api:os-server-tags:update', 'Gives a server a tag.')
DELETE_ALL = policy.project_member('os_compute_api:os-server-tags:delete_all', "Removes all of a server's tags.")
DELETE = policy.project_member('os_compute_api:os-server-tags:delete', 'Takes a tag from a server.')

MOST, LENGTH = 50, 60
REPLACE = Body(None, Field('tags', TAGS, required=True))


@route(
    'GET',
    '/servers/{server_id}/tags',
    policy=INDEX,
    since='2.26',
    samples=('os-server-tags/v2.26/server-tags-index-resp.json',),
)
def index(request: Request, server_id: str) -> dict[str, Any]:
    return {'tags': sorted(find(request, server_id, INDEX).tags)}


@route('GET', '/servers/{server_id}/tags/{tag}', policy=SHOW, since='2.26', status=204)
def show(request: Request, server_id: str, tag: str) -> None:
    _refuse_missing(find(request, server_id, SHOW).tags, server_id, tag)


@route(
    'PUT',
    '/servers/{server_id}/tags',
    policy=UPDATE_ALL,
    body=REPLACE,
    since='2.26',
    samples=('os-server-tags/v2.26/server-tags-put-all-resp.json',),
)
def update_all(request: Request, server_id: str) -> dict[str, Any]:
    return {'tags': sorted(_change(request, server_id, UPDATE_ALL, lambda _known: request.body['tags']))}


@route('PUT', '/servers/{server_id}/tags/{tag}', policy=UPDATE, since='2.26', status=204)
def update(request: Request, server_id: str, tag: str) -> Answer:
    if not 1 <= len(tag) <= LENGTH or ',' in tag or '/' in tag:
        raise errors.Invalid(
            f'Tag {tag[:64]} is invalid: it must have 1 to {LENGTH} characters, and no comma or slash.'
        )
    before: list[str] = []

    def with_it(known: tuple[str, ...]) -> tuple[str, ...]:
        before.extend(known)
        if tag not in known and len(known) >= MOST:
            raise errors.Invalid(f'The number of tags exceeded the per-server limit {MOST}')
        return (*known, tag)

    _change(request, server_id, UPDATE, with_it)
    if tag in before:
        return Answer(status=204)
    return Answer(status=201, headers=(('Location', request.url('servers', server_id, 'tags', tag)),))


@route('DELETE', '/servers/{server_id}/tags', policy=DELETE_ALL, since='2.26', status=204)
def delete_all(request: Request, server_id: str) -> None:
    _change(request, server_id, DELETE_ALL, lambda _known: ())


@route('DELETE', '/servers/{server_id}/tags/{tag}', policy=DELETE, since='2.26', status=204)
def delete(request: Request, server_id: str, tag: str) -> None:
    def without(known: tuple[str, ...]) -> list[str]:
        _refuse_missing(known, server_id, tag)
        return [kept for kept in known if kept != tag]

    _change(request, server_id, DELETE, without)


def _refuse_missing(tags: tuple[str, ...], server_id: str, tag: str) -> None:
    if tag not in tags:
        raise errors.NotFound(f"Server {server_id} has no tag '{tag[:64]}'")


def _change(
    request: Request, server_id: str, rule: policy.Rule, change: Callable[[tuple[str, ...]], Iterable[str]]
) -> tuple[str, ...]:
    server = find_placed(request, server_id, rule)
    refuse_unless_made(server, 'update tags')
    with request.databases.cell(server.cell_id).writing() as tx:
        tags = servers.change_tags(tx, server_id, change)
    tell.server_changed(request, server, dataclasses.replace(server, tags=tags))
    return tags
