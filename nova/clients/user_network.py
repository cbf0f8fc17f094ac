"""What a user asks of the network service through us: networks, floating addresses, security groups, and those of a server."""

from collections.abc import Iterable, Sequence
from typing import Any

from nova import errors
from nova.clients.neutron import Neutron
from nova.context import Context
from nova.domain.floating_ip import FloatingIp
from nova.domain.network import Network
from nova.domain.security_group import SecurityGroup, SecurityGroupRule


class UserNetwork:
    """The network service with the user's own token, so that it decides what they may see and change."""

    def __init__(self, neutron: Neutron, context: Context):
        self._neutron, self._project_id = neutron, context.project_id

    # Networks

    def networks(self) -> list[Network]:
        """The project's own, and those that are shared with everybody."""
        own = self._neutron.all('networks', {'project_id': self._project_id, 'shared': 'false'})
        return [_network(raw) for raw in own + self._neutron.all('networks', {'shared': 'true'})]

    def network(self, network_id: str) -> Network:
        return _network(self._one('networks', network_id))

    # Floating addresses

    def pools(self) -> list[str]:
        """The names of the external networks, which floating addresses come from."""
        return [_name(raw) for raw in self._external()]

    def floating_ips(self) -> list[FloatingIp]:
        return self._floating(self._neutron.all('floatingips', {'project_id': self._project_id}))

    def floating_ip(self, ident: str) -> FloatingIp:
        return self._floating([self._one('floatingips', ident)])[0]

    def floating_ip_at(self, address: str) -> FloatingIp:
        found = self._neutron.all('floatingips', {'floating_ip_address': address})
        if not found:
            raise errors.NotFound(f'Floating IP not found for address {address}.')
        return self._floating(found[:1])[0]

    def allocate(self, pool: str) -> FloatingIp:
        """A new address from the external network of that name or id."""
        networks = [raw for raw in self._external() if pool in (raw['id'], raw.get('name'))]
        if not networks:
            raise errors.NotFound('Floating IP pool not found.')
        if len(networks) > 1:
            raise errors.Conflict(f"Multiple floating IP pools matches found for name '{pool}'. Use an ID instead.")
        try:
            made = self._neutron.call(
                'POST', '/floatingips', {'floatingip': {'floating_network_id': networks[0]['id']}}
            )
        except errors.Conflict as failure:
            raise errors.NotFound(f'No more floating IPs in pool {pool}.') from failure
        return self._floating([made['floatingip']])[0]

    def release(self, ident: str) -> None:
        self._neutron.call('DELETE', f'/floatingips/{ident}')

    def associate(self, ident: str, port_id: str, fixed_ip: str) -> None:
        """Let the floating address stand for a fixed one; if it stood for another, that ends."""
        self._tie(ident, {'port_id': port_id, 'fixed_ip_address': fixed_ip})

    def disassociate(self, ident: str) -> None:
        self._tie(ident, {'port_id': None})

    # Security groups

    def security_groups(
        self, project_id: str | None = None, idents: Sequence[str] | None = None
    ) -> list[SecurityGroup]:
        """Those of a project, those with the ids, or with neither all that the user may see."""
        if idents is not None:
            return [_group(raw) for raw in self._neutron.by_ids('security-groups', list(dict.fromkeys(idents)))]
        filters = {'project_id': project_id} if project_id else {}
        return [_group(raw) for raw in self._neutron.all('security-groups', filters)]

    def security_group(self, ident: str) -> SecurityGroup:
        return _group(self._one('security-groups', ident))

    def create_security_group(self, name: str, description: str) -> SecurityGroup:
        body = {'security_group': {'name': name, 'description': description}}
        return _group(self._neutron.call('POST', '/security-groups', body)['security_group'])

    def update_security_group(self, ident: str, name: str, description: str) -> SecurityGroup:
        body = {'security_group': {'name': name, 'description': description}}
        return _group(self._neutron.call('PUT', f'/security-groups/{ident}', body)['security_group'])

    def delete_security_group(self, ident: str) -> None:
        self._neutron.call('DELETE', f'/security-groups/{ident}')

    def security_group_rule(self, ident: str) -> SecurityGroupRule:
        return _rule(self._one('security-group-rules', ident))

    def create_security_group_rule(self, rule: SecurityGroupRule) -> SecurityGroupRule:
        """The rule as it was made; the id of the one given does not count."""
        body = {
            'security_group_id': rule.group_id,
            'direction': rule.direction,
            'ethertype': f'IPv{rule.version}',
            'protocol': rule.protocol,
            'port_range_min': rule.from_port,
            'port_range_max': rule.to_port,
            'remote_ip_prefix': rule.cidr,
            'remote_group_id': rule.remote_group_id,
        }
        made = self._neutron.call('POST', '/security-group-rules', {'security_group_rule': body})
        return _rule(made['security_group_rule'])

    def delete_security_group_rule(self, ident: str) -> None:
        self._neutron.call('DELETE', f'/security-group-rules/{ident}')

    # What a server's ports have

    def add_fixed_ip(self, server_id: str, network_id: str) -> None:
        """Give a port of the server on that network one more address."""
        ports = self._neutron.all('ports', {'device_id': server_id, 'network_id': network_id})
        if not ports:
            raise errors.NotFound(f'Network could not be found for instance {server_id}.')
        for subnet in self._neutron.all('subnets', {'network_id': network_id}):
            for port in ports:
                wanted = [*port['fixed_ips'], {'subnet_id': subnet['id']}]
                try:
                    self._change(port, fixed_ips=wanted)
                except (errors.Conflict, errors.Invalid):
                    # This subnet may be full, or this port have as many as it may.
                    continue
                return
        raise errors.Invalid(f'No fixed IP addresses available for network: {network_id}')

    def remove_fixed_ip(self, server_id: str, address: str) -> None:
        filters = {'device_id': server_id, 'fixed_ips': f'ip_address={address}'}
        ports = self._neutron.all('ports', filters)
        if not ports:
            raise errors.Invalid(f"Instance {server_id} does not have fixed IP '{address}'.")
        for port in ports:
            self._change(port, fixed_ips=[ip for ip in port['fixed_ips'] if ip['ip_address'] != address])

    def add_security_group(self, server_id: str, project_id: str, name: str) -> SecurityGroup:
        """Let all ports of the server be in the group of that name or id; it."""
        group = self._group_of(project_id, name)
        ports = self._ports(server_id)
        for port in ports:
            if not port.get('fixed_ips') or not port.get('port_security_enabled', True):
                raise errors.Invalid(
                    f'Cannot add security group {name} to {server_id} since the port {port["id"]} does not meet '
                    'security requirements.'
                )
        for port in ports:
            if group.id not in port['security_groups']:
                self._change(port, security_groups=[*port['security_groups'], group.id])
        return group

    def remove_security_group(self, server_id: str, project_id: str, name: str) -> SecurityGroup:
        """Let no port of the server be in the group of that name or id; it."""
        group = self._group_of(project_id, name)
        ports = [port for port in self._ports(server_id) if group.id in port['security_groups']]
        if not ports:
            raise errors.NotFound(f'Security group {name} not associated with the instance {server_id}')
        for port in ports:
            self._change(port, security_groups=[ident for ident in port['security_groups'] if ident != group.id])
        return group

    # How

    def _one(self, path: str, ident: str) -> dict[str, Any]:
        """Asked for by a filter, because an id in a path could lead elsewhere."""
        found = self._neutron.by_ids(path, [ident])
        if not found:
            raise errors.NotFound(f'{ident} could not be found.')
        return found[0]

    def _external(self) -> list[dict[str, Any]]:
        return self._neutron.all('networks', {'router:external': 'true'})

    def _floating(self, raws: Sequence[dict[str, Any]]) -> list[FloatingIp]:
        """With the names of their networks and the servers of their ports: two questions however many there are."""
        networks = self._by_id('networks', (raw['floating_network_id'] for raw in raws))
        ports = self._by_id('ports', (raw['port_id'] for raw in raws if raw.get('port_id')))
        return [
            FloatingIp(
                id=raw['id'],
                address=raw['floating_ip_address'],
                pool=_name(networks.get(raw['floating_network_id'], {'id': raw['floating_network_id']})),
                port_id=raw.get('port_id'),
                fixed_ip=raw.get('fixed_ip_address'),
                server_id=ports.get(raw.get('port_id'), {}).get('device_id') or None,
            )
            for raw in raws
        ]

    def _by_id(self, path: str, idents: Iterable[str]) -> dict[str, dict[str, Any]]:
        return {raw['id']: raw for raw in self._neutron.by_ids(path, list(dict.fromkeys(idents)))}

    def _tie(self, ident: str, wanted: dict[str, Any]) -> None:
        self._neutron.call('PUT', f'/floatingips/{ident}', {'floatingip': wanted})

    def _group_of(self, project_id: str, name: str) -> SecurityGroup:
        groups = self.security_groups(project_id)
        found = [group for group in groups if group.id == name] or [group for group in groups if group.name == name]
        if not found:
            raise errors.NotFound(f'Security group {name} not found for project {project_id}.')
        if len(found) > 1:
            raise errors.Conflict(
                f"Multiple security_groups matching '{name}' found for project {project_id}. "
                'Use an ID to be more specific.'
            )
        return found[0]

    def _ports(self, server_id: str) -> list[dict[str, Any]]:
        ports = self._neutron.all('ports', {'device_id': server_id})
        if not ports:
            raise errors.NotFound(f'Instance {server_id} has no ports for a security group to apply to.')
        return ports

    def _change(self, port: dict[str, Any], **wanted: Any) -> None:
        self._neutron.call('PUT', f'/ports/{port["id"]}', {'port': wanted})


def _name(network: dict[str, Any]) -> str:
    return network.get('name') or network['id']


def _network(raw: dict[str, Any]) -> Network:
    return Network(id=raw['id'], label=raw.get('name') or '', mtu=raw.get('mtu'), project_id=raw.get('project_id'))


def _group(raw: dict[str, Any]) -> SecurityGroup:
    return SecurityGroup(
        id=raw['id'],
        name=raw['name'],
        description=raw.get('description') or '',
        project_id=raw.get('project_id'),
        rules=tuple(_rule(rule) for rule in raw.get('security_group_rules', ())),
    )


def _rule(raw: dict[str, Any]) -> SecurityGroupRule:
    return SecurityGroupRule(
        id=raw['id'],
        group_id=raw['security_group_id'],
        direction=raw['direction'],
        protocol=raw.get('protocol'),
        from_port=raw.get('port_range_min'),
        to_port=raw.get('port_range_max'),
        cidr=raw.get('remote_ip_prefix'),
        remote_group_id=raw.get('remote_group_id'),
        version=6 if raw.get('ethertype') == 'IPv6' else 4,
    )
