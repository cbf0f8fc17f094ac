"""Show the security groups of a server, as the network service has them."""

from typing import Any

from nova.api import policy
from nova.api.request import Request
from nova.api.resources.servers.find import find
from nova.api.routes import route
from nova.domain.security_group import SecurityGroup, SecurityGroupRule

LIST = policy.project_reader('os_compute_api:os-security-groups:list', "Lists a server's security groups.")


@route(
    'GET',
    '/servers/{server_id}/os-security-groups',
    policy=LIST,
    samples=('os-security-groups/server-security-groups-list-resp.json',),
)
def index(request: Request, server_id: str) -> dict[str, Any]:
    ports = find(request, server_id, LIST).ports
    idents = sorted({ident for port in ports for ident in port.security_groups})
    if not idents:
        return {'security_groups': []}
    groups = request.services.network.of(request.context).security_groups(idents=idents)
    names = {group.id: group for group in groups}
    return {'security_groups': [view(group, names) for group in sorted(groups, key=lambda group: group.name)]}


def view(group: SecurityGroup, known: dict[str, SecurityGroup]) -> dict[str, Any]:
    """A group with its rules for what may come in; `known` are the groups that can be named."""
    return {
        'id': group.id,
        'name': group.name,
        'description': group.description,
        'tenant_id': group.project_id,
        'rules': [_rule(rule, known) for rule in group.rules if rule.direction == 'ingress'],
    }


def _rule(rule: SecurityGroupRule, known: dict[str, SecurityGroup]) -> dict[str, Any]:
    far = known.get(rule.remote_group_id or '')
    any_address = '0.0.0.0/0' if rule.version == 4 else '::/0'
    return {
        'id': rule.id,
        'parent_group_id': rule.group_id,
        'ip_protocol': rule.protocol,
        'from_port': rule.from_port,
        'to_port': rule.to_port,
        'group': {'name': far.name, 'tenant_id': far.project_id} if far else {},
        'ip_range': {} if rule.remote_group_id else {'cidr': rule.cidr or any_address},
    }
