"""Security groups and their rules, until 2.35: what the network service tells and does for the user who asks us."""

import contextlib
import ipaddress
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from nova import errors
from nova.api import policy
from nova.api.request import Request
from nova.api.resources.proxies.security_group_views import group_view, groups_view, rule_view
from nova.api.routes import route
from nova.api.schema import ANYTHING, QUERY_NUMBER, QUERY_TEXT, STRING, Body, Field, Query, truth
from nova.domain.security_group import SecurityGroup, SecurityGroupRule

UNTIL = '2.35'
INDEX = policy.project_reader('os_compute_api:os-security-groups:get', 'Lists security groups.')
CREATE = policy.project_member('os_compute_api:os-security-groups:create', 'Creates a security group.')
SHOW = policy.project_reader('os_compute_api:os-security-groups:show', 'Shows a security group.')
UPDATE = policy.project_member('os_compute_api:os-security-groups:update', 'Changes a security group.')
DELETE = policy.project_member('os_compute_api:os-security-groups:delete', 'Deletes a security group.')
CREATE_RULE = policy.project_member('os_compute_api:os-security-groups:rule:create', 'Creates a rule of a group.')
DELETE_RULE = policy.project_member('os_compute_api:os-security-groups:rule:delete', 'Deletes a rule of a group.')

LIST = Query(
    Field('limit', QUERY_NUMBER, many=True),
    Field('offset', QUERY_NUMBER, many=True),
    Field('all_tenants', QUERY_TEXT, many=True),
)
GROUP = Body(
    'security_group',
    Field('name', STRING | {'minLength': 1, 'format': 'loose-name'}, required=True),
    Field('description', STRING | {'type': ['string', 'null']}, required=True),
    loose_until=UNTIL,
)
_NUMBER = {'type': ['integer', 'string', 'null'], 'pattern': '^-?[0-9]{1,5}$', 'minimum': -1, 'maximum': 65535}
RULE = Body(
    'security_group_rule',
    Field('parent_group_id', ANYTHING, required=True),
    Field('ip_protocol', {'type': ['string', 'integer', 'null'], 'maxLength': 40}),
    Field('from_port', _NUMBER),
    Field('to_port', _NUMBER),
    Field('cidr', STRING | {'type': ['string', 'null']}),
    Field('group_id', ANYTHING),
    loose_until=UNTIL,
)
_PORTS = {'tcp', 'udp'}
_ICMP = {'icmp', 'icmpv6'}
_EVERYWHERE = '0.0.0.0/0'


@route(
    'GET',
    '/os-security-groups',
    policy=INDEX,
    query=LIST,
    until=UNTIL,
    samples=('os-security-groups/security-groups-list-get-resp.json',),
)
def index(request: Request) -> dict[str, Any]:
    """A project's own; of all projects if an administrator asks so."""
    limit, _ = request.page()
    start = int(request.params.get('offset', 0))
    everybodys = request.context.is_admin and truth(request.params.get('all_tenants'))
    user = _user(request)
    groups = user.security_groups(None if everybodys else request.context.project_id)
    return {'security_groups': groups_view(user, groups[start : start + limit])}


@route(
    'POST',
    '/os-security-groups',
    policy=CREATE,
    body=GROUP,
    until=UNTIL,
    samples=('os-security-groups/security-groups-create-resp.json',),
)
def create(request: Request) -> dict[str, Any]:
    name, description = _named(request.body)
    with _conflicts_are_invalid():
        made = _user(request).create_security_group(name, description)
    return {'security_group': group_view(made, {made.id: made})}


@route(
    'GET',
    '/os-security-groups/{group_id}',
    policy=SHOW,
    until=UNTIL,
    samples=('os-security-groups/security-groups-get-resp.json',),
)
def show(request: Request, group_id: str) -> dict[str, Any]:
    user = _user(request)
    return {'security_group': groups_view(user, [_find(user, group_id)])[0]}


@route(
    'PUT',
    '/os-security-groups/{group_id}',
    policy=UPDATE,
    body=GROUP,
    until=UNTIL,
    samples=('os-security-groups/security-groups-create-resp.json',),
)
def update(request: Request, group_id: str) -> dict[str, Any]:
    user = _user(request)
    group = _find(user, group_id)
    _refuse_default(group, 'update')
    with _conflicts_are_invalid():
        changed = user.update_security_group(group.id, *_named(request.body))
    return {'security_group': groups_view(user, [changed])[0]}


@route('DELETE', '/os-security-groups/{group_id}', policy=DELETE, until=UNTIL, status=202)
def delete(request: Request, group_id: str) -> None:
    user = _user(request)
    group = _find(user, group_id)
    _refuse_default(group, 'delete')
    with _conflicts_are_invalid():
        user.delete_security_group(group.id)


@route(
    'POST',
    '/os-security-group-rules',
    policy=CREATE_RULE,
    body=RULE,
    until=UNTIL,
    samples=('os-security-groups/security-group-rules-post-resp.json',),
)
def create_rule(request: Request) -> dict[str, Any]:
    user = _user(request)
    parent = _find(user, request.body['parent_group_id'])
    source = _find(user, request.body['group_id']) if request.body.get('group_id') else None
    with _conflicts_are_invalid():
        made = user.create_security_group_rule(_rule(request.body, parent, source))
    return {'security_group_rule': rule_view(made, {source.id: source} if source else {})}


@route('DELETE', '/os-security-group-rules/{rule_id}', policy=DELETE_RULE, until=UNTIL, status=202)
def delete_rule(request: Request, rule_id: str) -> None:
    user = _user(request)
    try:
        rule = user.security_group_rule(_uuid(rule_id, 'Rule'))
    except errors.NotFound as failure:
        raise errors.NotFound(f'Rule ({rule_id}) not found') from failure
    user.delete_security_group_rule(rule.id)


def _user(request: Request) -> Any:
    return request.services.network.of(request.context)


def _find(user: Any, ident: Any) -> SecurityGroup:
    try:
        return user.security_group(_uuid(ident, 'Security group'))
    except errors.NotFound as failure:
        raise errors.NotFound(f'Security group {ident} not found.') from failure


def _uuid(ident: Any, what: str) -> str:
    try:
        return str(uuid.UUID(ident if isinstance(ident, str) else ''))
    except ValueError:
        raise errors.Invalid(f'{what} id should be uuid')


def _named(asked: Mapping[str, Any]) -> tuple[str, str]:
    return asked['name'].strip(), (asked['description'] or '').strip()


def _refuse_default(group: SecurityGroup, verb: str) -> None:
    if group.name == 'default':
        raise errors.Invalid(f"Unable to {verb} system group '{group.name}'")


@contextlib.contextmanager
def _conflicts_are_invalid() -> Iterator[None]:
    """The form of these calls knows no conflict: whatever the network service refuses, the request was bad."""
    try:
        yield
    except errors.Conflict as failure:
        raise errors.Invalid(str(failure)) from failure


def _rule(asked: Mapping[str, Any], parent: SecurityGroup, source: SecurityGroup | None) -> SecurityGroupRule:
    """The rule that the old form means: for what comes in, from a range of addresses or a group."""
    protocol = str(asked['ip_protocol']).strip().lower() if asked.get('ip_protocol') is not None else None
    low, high = (_number(asked.get(name), name) for name in ('from_port', 'to_port'))
    if source is None and (protocol is None or low is None or high is None):
        raise errors.Invalid(
            'Not enough parameters to build rule: give ip_protocol, from_port and to_port, or group_id.'
        )
    if protocol in _PORTS and (low, high) in ((None, None), (-1, -1)):
        low, high = 1, 65535
    if protocol in _PORTS and not 0 <= (low if low is not None else -1) <= (high if high is not None else -1):
        raise errors.Invalid(f'Invalid port range {low}:{high}. Former value cannot be greater than the later')
    if protocol not in _PORTS:
        # Of ICMP -1 is any type, or any code.
        low, high = (None if value == -1 else value for value in (low, high))
    if protocol is not None and protocol not in _PORTS | _ICMP and not protocol.isalnum():
        raise errors.Invalid(f'Invalid IP protocol {protocol}.')
    if source is not None:
        return SecurityGroupRule('', parent.id, 'ingress', protocol, low, high, remote_group_id=source.id)
    cidr, version = _range(asked.get('cidr') or _EVERYWHERE)
    return SecurityGroupRule('', parent.id, 'ingress', protocol, low, high, cidr, version=version)


def _range(text: str) -> tuple[str, int]:
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise errors.Invalid(f'Invalid cidr {text}.')
    return str(network), network.version


def _number(value: Any, name: str) -> int | None:
    if value is None:
        return None
    number = int(value)
    if not -1 <= number <= 65535:
        raise errors.Invalid(f'Invalid input for field/attribute {name}. Value: {number}. At most 65535 is possible.')
    return number
