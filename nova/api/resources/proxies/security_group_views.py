"""Show security groups in the form that Compute gave them: only what may come in, from a range or a group."""

from collections.abc import Mapping, Sequence
from typing import Any

from nova.domain.security_group import SecurityGroup, SecurityGroupRule

_EVERYWHERE = {4: '0.0.0.0/0', 6: '::/0'}
_PORTS = {'tcp', 'udp'}


def groups_view(user: Any, groups: Sequence[SecurityGroup]) -> list[dict[str, Any]]:
    """`user` is a nova.clients.user_network.UserNetwork: rules name groups that may not be among these."""
    known = {group.id: group for group in groups}
    named = {rule.remote_group_id for group in groups for rule in group.rules if rule.remote_group_id}
    missing = sorted(named - known.keys())
    if missing:
        known |= {group.id: group for group in user.security_groups(idents=missing)}
    return [group_view(group, known) for group in groups]


def group_view(group: SecurityGroup, known: Mapping[str, SecurityGroup]) -> dict[str, Any]:
    """`known` has the groups that the rules name, as far as the user may see them."""
    return {
        'id': group.id,
        'name': group.name,
        'description': group.description,
        'tenant_id': group.project_id,
        'rules': [rule_view(rule, known) for rule in group.rules if rule.direction == 'ingress'],
    }


def rule_view(rule: SecurityGroupRule, known: Mapping[str, SecurityGroup]) -> dict[str, Any]:
    source = known.get(rule.remote_group_id or '')
    low, high = _numbers(rule)
    return {
        'id': rule.id,
        'parent_group_id': rule.group_id,
        'ip_protocol': rule.protocol,
        'from_port': low,
        'to_port': high,
        'group': {'name': source.name, 'tenant_id': source.project_id} if source else {},
        'ip_range': {} if rule.remote_group_id else {'cidr': rule.cidr or _EVERYWHERE[rule.version]},
    }


def _numbers(rule: SecurityGroupRule) -> tuple[int | None, int | None]:
    if rule.protocol in _PORTS and rule.from_port is None:
        return 1, 65535
    if rule.protocol is None:
        return None, None
    return tuple(-1 if number is None else number for number in (rule.from_port, rule.to_port))
