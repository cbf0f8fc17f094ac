"""/v2.0/security-groups and /v2.0/security-group-rules"""

import collections
import ipaddress

import sqlalchemy as sa

from nova.network import attributes, faults, tables
from nova.network.attributes import REQUIRED, Attribute
from nova.network.resources.resource import PROJECT, STANDARD, Resource, change, fresh, standard_view

DEFAULT = 'default'
# fmt: off
PROTOCOLS = {
    'ah', 'dccp', 'egp', 'esp', 'gre', 'hopopt', 'icmp', 'icmpv6', 'igmp', 'ip', 'ipip', 'ipv6-encap', 'ipv6-frag',
    'ipv6-icmp', 'ipv6-nonxt', 'ipv6-opts', 'ipv6-route', 'ospf', 'pgm', 'rsvp', 'sctp', 'tcp', 'udp', 'udplite',
    'vrrp',
}
IDENTITY = (
    'security_group_id', 'direction', 'ethertype', 'protocol', 'port_range_min', 'port_range_max', 'remote_ip_prefix',
    'remote_group_id',
)
# fmt: on
WITH_PORTS = {'tcp', 'udp', 'dccp', 'sctp', 'udplite', '6', '17', '33', '132', '136'}
ICMP = {'icmp', 'icmpv6', 'ipv6-icmp', '1', '58'}


class SecurityGroups(Resource):
    name, collection, path, label = 'security_group', 'security_groups', 'security-groups', 'SecurityGroup'
    table = tables.security_groups
    attributes = (
        *STANDARD,
        PROJECT,
        Attribute('stateful', attributes.boolean, default=True),
    )
    touches_host = False

    def __init__(self):
        self.filters = {'shared': lambda values: sa.false() if 'true' in map(str.lower, values) else sa.true()}

    def create(self, tx, caller, values):
        project_id = values.get('project_id', caller.project_id)
        ensure_default(tx, project_id)
        if values['name'].lower() == DEFAULT:
            raise faults.conflict('SecurityGroupDefaultAlreadyExists', 'Default security group already exists.')
        return _make(tx, project_id, values)

    def update(self, tx, caller, row, values):
        if row.default_of and 'name' in values:
            raise faults.conflict('SecurityGroupCannotUpdateDefault', 'Updating default security group not allowed.')
        change(tx, self.table, row.id, values)

    def delete(self, tx, caller, row):
        if row.default_of and not caller.privileged:
            raise faults.conflict(
                'SecurityGroupCannotRemoveDefault', 'Insufficient rights for removing default security group.'
            )
        joined = tables.port_security_groups
        if tx.execute(sa.select(joined).where(joined.c.security_group_id == row.id).limit(1)).first():
            raise faults.conflict('SecurityGroupInUse', f'Security Group {row.id} in use.')
        tx.execute(sa.delete(self.table).where(self.table.c.id == row.id))

    def views(self, tx, caller, rows):
        rules = collections.defaultdict(list)
        table = tables.security_group_rules
        wanted = sa.select(table).where(table.c.security_group_id.in_([row.id for row in rows]))
        for rule in tx.execute(wanted.order_by(table.c.created_at, table.c.id)):
            rules[rule.security_group_id].append(_rule_view(rule))
        return [
            {
                **standard_view(row),
                'stateful': row.stateful,
                'shared': False,
                'security_group_rules': rules[row.id],
            }
            for row in rows
        ]


class SecurityGroupRules(Resource):
    name, collection, path, label = (
        'security_group_rule',
        'security_group_rules',
        'security-group-rules',
        'SecurityGroupRule',
    )
    table = tables.security_group_rules
    attributes = (
        STANDARD[1],
        PROJECT,
        Attribute('security_group_id', attributes.ident, default=REQUIRED),
        Attribute('direction', attributes.one_of('ingress', 'egress'), default=REQUIRED),
        Attribute('ethertype', attributes.one_of('IPv4', 'IPv6'), default='IPv4'),
        Attribute('protocol', lambda value: protocol(value), default=None),
        Attribute('port_range_min', attributes.or_none(attributes.whole(0, 65535)), default=None),
        Attribute('port_range_max', attributes.or_none(attributes.whole(0, 65535)), default=None),
        Attribute('remote_ip_prefix', attributes.or_none(attributes.any_cidr), default=None),
        Attribute('remote_group_id', attributes.or_none(attributes.ident), default=None),
    )
    touches_host = False

    def create(self, tx, caller, values):
        groups = tables.security_groups
        group = tx.execute(
            sa.select(groups).where(groups.c.id == values['security_group_id'], caller.own(groups))
        ).one_or_none()
        if group is None:
            raise faults.not_found('SecurityGroup', values['security_group_id'])
        _refuse_contradictions(values)
        self._refuse_foreign_group(tx, caller, values['remote_group_id'])
        self._refuse_twin(tx, values)
        row = fresh(group.project_id) | values
        tx.execute(sa.insert(self.table).values(row))
        return row['id']

    def update(self, tx, caller, row, values):
        raise faults.bad_request('A security group rule cannot be changed; delete it and create another.')

    def delete(self, tx, caller, row):
        tx.execute(sa.delete(self.table).where(self.table.c.id == row.id))

    def views(self, tx, caller, rows):
        return [_rule_view(row) for row in rows]

    def _refuse_foreign_group(self, tx, caller, group_id):
        groups = tables.security_groups
        if (
            group_id
            and not tx.execute(sa.select(groups.c.id).where(groups.c.id == group_id, caller.own(groups))).first()
        ):
            raise faults.not_found('SecurityGroup', group_id)

    def _refuse_twin(self, tx, values):
        same = [self.table.c[name].is_not_distinct_from(values[name]) for name in IDENTITY]
        if twin := tx.execute(sa.select(self.table.c.id).where(*same)).first():
            raise faults.conflict(
                'SecurityGroupRuleExists', f'Security group rule already exists. Rule id is {twin.id}.'
            )


def ensure_default(tx: sa.Connection, project_id: str) -> str:
    """The id of the project's default group, made if this is the first that is heard of the project."""
    table = tables.security_groups
    found = tx.execute(sa.select(table.c.id).where(table.c.default_of == project_id)).scalar()
    if found:
        return found
    ident = _make(
        tx, project_id, {'name': DEFAULT, 'description': 'Default security group', 'stateful': True}, project_id
    )
    rules = [_rule(ident, project_id, 'ingress', ethertype, ident) for ethertype in ('IPv4', 'IPv6')]
    tx.execute(sa.insert(tables.security_group_rules), rules)
    return ident


def has_default(tx: sa.Connection, project_id: str) -> bool:
    table = tables.security_groups
    return tx.execute(sa.select(table.c.id).where(table.c.default_of == project_id)).first() is not None


def protocol(value):
    if value is None or value == 'any':
        return None
    clean = str(value).lower()
    if clean in PROTOCOLS or (clean.isdecimal() and int(clean) <= 255):
        return clean
    raise ValueError(f"'{value}' is neither a protocol's name nor a number from 0 to 255")


def _make(tx, project_id, values, default_of=None):
    row = fresh(project_id) | values | {'default_of': default_of}
    tx.execute(sa.insert(tables.security_groups).values(row))
    rules = [_rule(row['id'], project_id, 'egress', ethertype, None) for ethertype in ('IPv4', 'IPv6')]
    tx.execute(sa.insert(tables.security_group_rules), rules)
    return row['id']


def _rule(group_id, project_id, direction, ethertype, remote_group_id):
    return fresh(project_id) | {
        'security_group_id': group_id,
        'direction': direction,
        'ethertype': ethertype,
        'protocol': None,
        'port_range_min': None,
        'port_range_max': None,
        'remote_ip_prefix': None,
        'remote_group_id': remote_group_id,
    }


def _refuse_contradictions(values):
    if values['remote_ip_prefix'] and values['remote_group_id']:
        raise faults.Fault(
            400,
            'SecurityGroupRemoteGroupAndRemoteIpPrefix',
            'Only remote_ip_prefix or remote_group_id may be provided.',
        )
    if values['remote_ip_prefix']:
        version = ipaddress.ip_network(values['remote_ip_prefix']).version
        if values['ethertype'] != f'IPv{version}':
            raise faults.Fault(
                400,
                'SecurityGroupRuleParameterConflict',
                f'Conflicting value ethertype {values["ethertype"]} for CIDR {values["remote_ip_prefix"]}',
            )
    _refuse_bad_ports(values['protocol'], values['port_range_min'], values['port_range_max'])


def _refuse_bad_ports(name, low, high):
    if low is None and high is None:
        return
    if name in ICMP:
        if low is None or low > 255 or (high is not None and high > 255):
            raise faults.Fault(
                400, 'SecurityGroupInvalidIcmpValue', 'ICMP type and code must be between 0 and 255, the type given.'
            )
    elif name not in WITH_PORTS:
        raise faults.Fault(
            400,
            'SecurityGroupInvalidProtocolForPort',
            f'Invalid protocol {name} for port range, only supported for TCP, UDP, UDPLITE, SCTP and DCCP.',
        )
    elif low is None or high is None or low > high:
        raise faults.Fault(
            400, 'SecurityGroupInvalidPortRange', 'For TCP/UDP protocols, port_range_min must be <= port_range_max'
        )


def _rule_view(row):
    view = standard_view(row)
    del view['name']
    return view | {
        'security_group_id': row.security_group_id,
        'direction': row.direction,
        'ethertype': row.ethertype,
        'protocol': row.protocol,
        'port_range_min': row.port_range_min,
        'port_range_max': row.port_range_max,
        'remote_ip_prefix': row.remote_ip_prefix,
        'remote_group_id': row.remote_group_id,
    }
