"""What a user asks of the network service in memory: the interface of nova.clients.user_network.UserNetwork."""

import dataclasses
import uuid

from nova import errors
from nova.domain.floating_ip import FloatingIp
from nova.domain.network import FixedIP
from nova.domain.security_group import SecurityGroup, SecurityGroupRule

FAMILIES = (4, 6)


class FakeUserNetwork:
    """One user's view of a tests.fakes.network.FakeNetwork."""

    def __init__(self, service, context):
        self._service, self._context = service, context
        service.ensure_default_group(context.project_id)

    # Networks

    def networks(self):
        with self._service._calling('networks'):
            return [self._bare(network) for network in self._service.networks.values() if self._usable(network)]

    def network(self, network_id):
        with self._service._calling('network'):
            network = self._service.networks.get(network_id)
            if network is None or not (self._usable(network) or network_id in self._service.external):
                raise errors.NotFound(f'{network_id} could not be found.')
            return self._bare(network)

    # Floating addresses

    def pools(self):
        with self._service._calling('pools'):
            return [self._service.networks[ident].label for ident in self._service.external]

    def floating_ips(self):
        with self._service._calling('floating_ips'):
            own = self._context.project_id
            return [self._shown(held) for held in self._service.floating.values() if held.project_id == own]

    def floating_ip(self, ident):
        with self._service._calling('floating_ip'):
            return self._shown(self._held(ident))

    def floating_ip_at(self, address):
        with self._service._calling('floating_ip_at'):
            for held in self._service.floating.values():
                if held.address == address and self._mine(held.project_id):
                    return self._shown(held)
            raise errors.NotFound(f'Floating IP not found for address {address}.')

    def allocate(self, pool):
        with self._service._calling('allocate'):
            found = [
                network
                for ident in self._service.external
                if pool in (ident, (network := self._service.networks[ident]).label)
            ]
            if not found:
                raise errors.NotFound('Floating IP pool not found.')
            if len(found) > 1:
                raise errors.Conflict(f"Multiple floating IP pools matches found for name '{pool}'. Use an ID instead.")
            try:
                address = self._service._free_address(found[0])
            except errors.Conflict as failure:
                raise errors.NotFound(f'No more floating IPs in pool {pool}.') from failure
            held = HeldFloatingIp(str(uuid.uuid4()), address, found[0].id, self._context.project_id)
            self._service.floating[held.id] = held
            return self._shown(held)

    def release(self, ident):
        with self._service._calling('release'):
            del self._service.floating[self._held(ident).id]

    def associate(self, ident, port_id, fixed_ip):
        with self._service._calling('associate'):
            held, port = self._held(ident), self._service.ports.get(port_id)
            if port is None or not self._mine(port.project_id):
                raise errors.NotFound(f'Port {port_id} could not be found.')
            if any(
                (other.port_id, other.fixed_ip) == (port_id, fixed_ip) and other is not held
                for other in self._service.floating.values()
            ):
                raise errors.Conflict(f'Cannot associate floating IP {held.address}: {fixed_ip} has one already.')
            held.port_id, held.fixed_ip = port_id, fixed_ip

    def disassociate(self, ident):
        with self._service._calling('disassociate'):
            held = self._held(ident)
            held.port_id = held.fixed_ip = None

    # Security groups

    def security_groups(self, project_id=None, idents=None):
        with self._service._calling('security_groups'):
            return [
                group
                for group in self._service.security_groups.values()
                if self._mine(group.project_id)
                and (group.project_id == project_id if project_id and idents is None else True)
                and (group.id in idents if idents is not None else True)
            ]

    def security_group(self, ident):
        with self._service._calling('security_group'):
            return self._group(ident)

    def create_security_group(self, name, description):
        with self._service._calling('create_security_group'):
            if name == 'default':
                raise errors.Conflict('Default security group already exists.')
            return self._service.add_security_group(self._context.project_id, name, description)

    def update_security_group(self, ident, name, description):
        with self._service._calling('update_security_group'):
            group = dataclasses.replace(self._group(ident), name=name, description=description)
            self._service.security_groups[ident] = group
            return group

    def delete_security_group(self, ident):
        with self._service._calling('delete_security_group'):
            group = self._group(ident)
            if any(ident in port.groups for port in self._service.ports.values()):
                raise errors.Conflict(f'Security Group {ident} in use.')
            del self._service.security_groups[group.id]

    def security_group_rule(self, ident):
        with self._service._calling('security_group_rule'):
            return self._rule(ident)

    def create_security_group_rule(self, rule):
        with self._service._calling('create_security_group_rule'):
            group = self._group(rule.group_id)
            if rule.remote_group_id:
                self._group(rule.remote_group_id)
            for twin in group.rules:
                if dataclasses.replace(twin, id=rule.id) == rule:
                    raise errors.Conflict(f'Security group rule already exists. Rule id is {twin.id}.')
            made = dataclasses.replace(rule, id=str(uuid.uuid4()))
            self._keep(group, (*group.rules, made))
            return made

    def delete_security_group_rule(self, ident):
        with self._service._calling('delete_security_group_rule'):
            rule = self._rule(ident)
            group = self._group(rule.group_id)
            self._keep(group, tuple(other for other in group.rules if other.id != ident))

    # What a server's ports have

    def add_fixed_ip(self, server_id, network_id):
        with self._service._calling('add_fixed_ip'):
            ports = [port for port in self._ports(server_id) if port.network_id == network_id]
            if not ports:
                raise errors.NotFound(f'Network could not be found for instance {server_id}.')
            network = self._service.networks[network_id]
            try:
                address = self._service._free_address(network)
            except (errors.Conflict, IndexError) as failure:
                message = f'No fixed IP addresses available for network: {network_id}'
                raise errors.Invalid(message) from failure
            ports[0].addresses += (FixedIP(address, network.subnets[0].id),)

    def remove_fixed_ip(self, server_id, address):
        with self._service._calling('remove_fixed_ip'):
            ports = [port for port in self._ports(server_id) if address in [ip.address for ip in port.addresses]]
            if not ports:
                raise errors.Invalid(f"Instance {server_id} does not have fixed IP '{address}'.")
            for port in ports:
                port.addresses = tuple(ip for ip in port.addresses if ip.address != address)

    def add_security_group(self, server_id, project_id, name):
        with self._service._calling('add_security_group'):
            group, ports = self._service.group_of(project_id, name), self._ports(server_id)
            if not ports:
                raise errors.NotFound(f'Instance {server_id} has no ports for a security group to apply to.')
            for port in ports:
                if not port.addresses:
                    raise errors.Invalid(
                        f'Cannot add security group {name} to {server_id} since the port {port.id} does not meet '
                        'security requirements.'
                    )
            for port in ports:
                port.groups = tuple(dict.fromkeys((*port.groups, group.id)))
            return group

    def remove_security_group(self, server_id, project_id, name):
        with self._service._calling('remove_security_group'):
            group = self._service.group_of(project_id, name)
            ports = [port for port in self._ports(server_id) if group.id in port.groups]
            if not ports:
                raise errors.NotFound(f'Security group {name} not associated with the instance {server_id}')
            for port in ports:
                port.groups = tuple(ident for ident in port.groups if ident != group.id)
            return group

    # How

    def _mine(self, project_id):
        return self._context.is_admin or project_id == self._context.project_id

    def _usable(self, network):
        own = network.project_id == self._context.project_id and network.id not in self._service.external
        return own or network.id in self._service.shared

    def _bare(self, network):
        return dataclasses.replace(network, subnets=())

    def _ports(self, server_id):
        return [port for port in self._service.ports.values() if server_id == port.server_id]

    def _held(self, ident):
        held = self._service.floating.get(ident)
        if held is None or not self._mine(held.project_id):
            raise errors.NotFound(f'{ident} could not be found.')
        return held

    def _shown(self, held):
        port = self._service.ports.get(held.port_id)
        if port is None:
            held.port_id = held.fixed_ip = None
        pool = self._service.networks[held.network_id].label
        server_id = (port.server_id or None) if port else None
        return FloatingIp(held.id, held.address, pool, held.port_id, held.fixed_ip, server_id)

    def _group(self, ident):
        group = self._service.security_groups.get(ident)
        if group is None or not self._mine(group.project_id):
            raise errors.NotFound(f'{ident} could not be found.')
        return group

    def _rule(self, ident):
        for group in self._service.security_groups.values():
            for rule in group.rules:
                if rule.id == ident and self._mine(group.project_id):
                    return rule
        raise errors.NotFound(f'{ident} could not be found.')

    def _keep(self, group, rules):
        self._service.security_groups[group.id] = dataclasses.replace(group, rules=rules)


@dataclasses.dataclass
class HeldFloatingIp:
    """A floating address as the service keeps it."""

    id: str
    address: str
    network_id: str
    project_id: str
    port_id: str | None = None
    fixed_ip: str | None = None


def new_group(project_id, name, description=''):
    """A group as the network service makes it: what goes out may go, and members of the default one may come in."""
    ident = str(uuid.uuid4())
    rules = [SecurityGroupRule(str(uuid.uuid4()), ident, 'egress', version=version) for version in FAMILIES]
    if name == 'default':
        rules += [
            SecurityGroupRule(str(uuid.uuid4()), ident, remote_group_id=ident, version=version) for version in FAMILIES
        ]
    return SecurityGroup(ident, name, description, project_id, tuple(rules))
