"""A network service in memory behind the interface of nova.clients.network.NetworkClient."""

import dataclasses
import ipaddress
import threading
import uuid

from nova import errors
from nova.domain.network import FixedIP, Network, NetworkRequest, Port, Subnet
from nova.domain.security_group import SecurityGroup
from tests.fakes.user_network import FakeUserNetwork, HeldFloatingIp, new_group

AMBIGUOUS = 'Multiple possible networks found, use a Network ID to be more specific.'


@dataclasses.dataclass
class _Held:
    """A port as the service keeps it."""

    id: str
    network_id: str
    project_id: str
    mac: str
    addresses: tuple
    server_id: str = ''
    host: str = ''
    hostname: str = ''
    groups: tuple = ()


class FakeNetwork:
    """Behaves like the client and the service behind it. `fail_next` makes a call fail, before or after its work.

    `calls` has the names of the methods that were called. A port's `server_id` is empty while nobody uses it.
    """

    def __init__(self):
        self.networks: dict[str, Network] = {}
        self.shared: set[str] = set()
        self.ports: dict[str, _Held] = {}
        # Whether a project that has no network gets one when it asks for any.
        self.makes_networks = False
        # Ids of ports that were promised bandwidth.
        self.promised: set[str] = set()
        # Of these come floating addresses.
        self.external: set[str] = set()
        self.floating: dict[str, HeldFloatingIp] = {}
        self.security_groups: dict[str, SecurityGroup] = {}
        # With agents on the hosts a port works only when it is among those that they have wired.
        self.has_agents, self.wired = False, set()
        self.calls: list[str] = []
        self._failures: list[tuple[str | None, Exception, bool]] = []
        self._lock = threading.RLock()
        self._serial = 0

    # What a test arranges.

    def add_network(self, project_id, label='private', cidr='10.0.0.0/24', shared=False):
        network_id = str(uuid.uuid4())
        subnets = ()
        if cidr:
            hosts = ipaddress.ip_network(cidr)
            subnets = (Subnet(str(uuid.uuid4()), cidr, str(hosts[1]), (str(hosts[2]),), 4, str(hosts[2])),)
        self.networks[network_id] = Network(network_id, label, 1500, subnets, project_id=project_id)
        if shared:
            self.shared.add(network_id)
        return self.networks[network_id]

    def add_port(self, project_id, network_id, fixed_ip=None):
        with self._lock:
            port = self._make(project_id, NetworkRequest(network_id, fixed_ip=fixed_ip))
            return port.id

    def add_pool(self, label='public', cidr='203.0.113.0/24'):
        """An external network, which floating addresses come from."""
        network = self.add_network('', label, cidr)
        self.external.add(network.id)
        return network

    def add_security_group(self, project_id, name, description=''):
        with self._lock:
            group = new_group(project_id, name, description)
            self.security_groups[group.id] = group
            return group

    def ensure_default_group(self, project_id):
        with self._lock:
            groups = self.security_groups.values()
            if not any((group.project_id, group.name) == (project_id, 'default') for group in groups):
                self.add_security_group(project_id, 'default', 'Default security group')

    def group_of(self, project_id, name):
        """The group of that id or name."""
        self.ensure_default_group(project_id)
        own = [group for group in self.security_groups.values() if group.project_id == project_id]
        found = [group for group in own if group.id == name] or [group for group in own if group.name == name]
        if not found:
            raise errors.NotFound(f'Security group {name} not found for project {project_id}.')
        if len(found) > 1:
            raise errors.Conflict(
                f"Multiple security_groups matching '{name}' found for project {project_id}. "
                'Use an ID to be more specific.'
            )
        return found[0]

    def fail_next(self, failure, method=None, after=False):
        """Let the next call (of `method`, if given) raise `failure`; with `after`, when its work is done."""
        self._failures.append((method, failure, after))

    # The client's interface.

    def of(self, context):
        return FakeUserNetwork(self, context)

    def check(self, context, requests, security_groups=(), absent=errors.Invalid, taken=errors.Invalid):
        with self._calling('check'):
            idents = [request.port_id for request in requests if request.port_id]
            if len(set(idents)) != len(idents):
                raise errors.Invalid('A port is given twice in networks.')
            for ident in idents:
                self._check_port(context, ident, absent)
            for request in requests:
                if not request.port_id:
                    self._check_network(context, request, absent, taken)
            self._check_groups(context.project_id, security_groups)
            named = dict.fromkeys(request.network_id for request in requests if not request.port_id)
            return [self.networks[ident] for ident in named]

    def wants_resources(self, port_ids):
        with self._calling('wants_resources'):
            return not self.promised.isdisjoint(port_ids)

    def allocate(self, context):
        with self._calling('allocate'):
            return self.add_network(context.project_id, 'auto_allocated_network').id if self.makes_networks else None

    def group_names(self, ports, asked=()):
        with self._calling('group_names'):
            idents = {ident for port in ports for ident in port.security_groups}
            return tuple(sorted({self.security_groups[ident].name for ident in idents}))

    def available(self, context):
        with self._calling('available'):
            found = [
                network
                for network in self.networks.values()
                if (network.project_id == context.project_id and network.id not in self.external)
                or network.id in self.shared
            ]
            if len(found) > 1:
                raise errors.Conflict(AMBIGUOUS)
            return found

    def ensure_ports(
        self,
        context,
        server_id,
        host,
        hostname,
        project_id,
        requests,
        zone='nova',
        security_groups=(),
        maybe_exists=False,
    ):
        with self._calling('ensure_ports'):
            self._check_groups(project_id, security_groups)
            for request in requests:
                held = self.ports.get(request.port_id)
                if request.port_id and held is None:
                    raise errors.NotFound(f'Port id {request.port_id} could not be found.')
                if held and held.server_id not in ('', server_id):
                    raise errors.Conflict(f'Port {held.id} is still in use.')
            known = [port for port in self.ports.values() if port.server_id == server_id] if maybe_exists else []
            known = [port for port in known if port.id not in {request.port_id for request in requests}]
            ports = []
            for request in requests:
                port = self.ports[request.port_id] if request.port_id else _first_that_answers(known, request)
                if port is None:
                    port = self._make(project_id, request)
                    port.hostname = hostname
                    port.groups = self._check_groups(project_id, security_groups or ('default',))
                elif port in known:
                    known.remove(port)
                port.server_id, port.host = server_id, host
                ports.append(self._domain(port, request))
            return tuple(ports)

    def release_ports(self, context, server_id, ports=None, requests=()):
        with self._calling('release_ports'):
            kept = {request.port_id for request in requests if request.port_id}
            kept |= {port.id for port in ports or () if port.preserve_on_delete}
            named = {port.id for port in ports or ()}
            for port in list(self.ports.values()):
                if port.server_id != server_id or (ports is not None and not kept and port.id not in named):
                    continue
                if port.id in kept:
                    port.server_id = port.host = ''
                else:
                    del self.ports[port.id]

    def ensure_port(
        self,
        context,
        server_id,
        host,
        hostname,
        project_id,
        request,
        zone=None,
        known=(),
        maybe_exists=False,
    ):
        with self._calling('ensure_port'):
            made = self._made_for(server_id, request, known) if maybe_exists else []
            held = self.ports.get(request.port_id)
            if request.port_id and held is None:
                raise errors.NotFound(f'Port id {request.port_id} could not be found.')
            if held and held.server_id not in ('', server_id):
                raise errors.Conflict(f'Port {held.id} is still in use.')
            port = held or next(iter(made), None)
            if port is None:
                port = self._make(project_id, request)
                port.hostname = hostname
                port.groups = self._check_groups(project_id, ('default',))
            port.server_id, port.host = server_id, host
            return self._domain(port, request)

    def release_port(self, context, server_id, project_id, request, known=(), port_id=None):
        with self._calling('release_port'):
            if request.port_id:
                held = self.ports.get(request.port_id)
                if held and held.server_id == server_id:
                    held.server_id = held.host = ''
                return
            for made in [port_id] if port_id else [port.id for port in self._made_for(server_id, request, known)]:
                self.ports.pop(made, None)

    def _made_for(self, server_id, request, known):
        found = [port for port in self.ports.values() if port.server_id == server_id and port.id not in known]
        made = _first_that_answers(found, request)
        return [made] if made else []

    def ports_of(self, context, server_id, requests=()):
        with self._calling('ports_of'):
            by_port = {request.port_id: request for request in requests if request.port_id}
            return tuple(
                self._domain(port, by_port.get(port.id, NetworkRequest()))
                for port in self.ports.values()
                if port.server_id == server_id
            )

    def forget(self):
        pass

    def ping(self):
        with self._calling('ping'):
            pass

    # How it does it.

    def _calling(self, method):
        return _Call(self, method)

    def _make(self, project_id, request):
        network = self.networks.get(request.network_id)
        if network is None:
            raise errors.NotFound(f'Network {request.network_id} could not be found.')
        self._serial += 1
        addresses = ()
        if network.subnets:
            addresses = (FixedIP(request.fixed_ip or self._free_address(network), network.subnets[0].id),)
        serial = f'{self._serial:06x}'
        mac = f'fa:16:3e:{serial[:2]}:{serial[2:4]}:{serial[4:]}'
        port = _Held(str(uuid.uuid4()), network.id, project_id, mac, addresses)
        if request.fixed_ip and self._in_use(network.id, request.fixed_ip):
            raise errors.Conflict(f'IP address {request.fixed_ip} already allocated in subnet {network.subnets[0].id}')
        self.ports[port.id] = port
        return port

    def _free_address(self, network):
        hosts = ipaddress.ip_network(network.subnets[0].cidr)
        for address in list(hosts)[3:-1]:
            if not self._in_use(network.id, str(address)):
                return str(address)
        raise errors.Conflict(f'No more IP addresses available on network {network.id}.')

    def _in_use(self, network_id, address):
        return any(
            port.network_id == network_id and any(ip.address == address for ip in port.addresses)
            for port in self.ports.values()
        ) or any(held.network_id == network_id and held.address == address for held in self.floating.values())

    def _check_port(self, context, ident, absent):
        port = self.ports.get(ident)
        if port is None or not (context.is_admin or port.project_id == context.project_id):
            raise absent(f'Port id {ident} could not be found.')
        if port.server_id:
            raise errors.Conflict(f'Port {ident} is still in use.')
        if not port.addresses:
            raise errors.Invalid(f'Port {ident} requires a FixedIP in order to be used.')

    def _check_network(self, context, request, absent, taken):
        network = self.networks.get(request.network_id)
        visible = network and (
            context.is_admin or network.project_id == context.project_id or network.id in self.shared
        )
        if not visible:
            raise absent(f'Network {request.network_id} could not be found.')
        if not network.subnets:
            raise errors.Invalid(f'Network {network.id} requires a subnet in order to boot instances on.')
        if not request.fixed_ip:
            return
        if ipaddress.ip_address(request.fixed_ip) not in ipaddress.ip_network(network.subnets[0].cidr):
            raise errors.Invalid(f'Fixed IP {request.fixed_ip} is not a valid ip address for network {network.id}.')
        if self._in_use(network.id, request.fixed_ip):
            raise taken(f'Fixed IP address {request.fixed_ip} is already in use on instance.')

    def _check_groups(self, project_id, names):
        try:
            return tuple(self.group_of(project_id, name).id for name in names)
        except errors.NotFound as failure:
            raise errors.Invalid(str(failure)) from failure

    def _domain(self, port, request):
        network = self.networks[port.network_id]
        bridge = f'brq{network.id[:11]}' if port.host else None
        details = {'bridge_name': bridge, 'connectivity': 'l2', 'port_filter': False} if bridge else {}
        return Port(
            id=port.id,
            mac=port.mac,
            network=dataclasses.replace(network, bridge=bridge),
            fixed_ips=port.addresses,
            vif_type='bridge' if bridge else 'unbound',
            vif_details=details,
            active=bool(port.host) and (not self.has_agents or port.id in self.wired),
            preserve_on_delete=request.port_id is not None,
            tag=request.tag,
            host=port.host or None,
            security_groups=port.groups,
            floating_ips=tuple(held.address for held in self.floating.values() if held.port_id == port.id),
        )


class _Call:
    """One call: counted, alone, and failing if a test wants it to."""

    def __init__(self, network, method):
        self._network, self._method = network, method

    def __enter__(self):
        self._network._lock.acquire()
        self._network.calls.append(self._method)
        try:
            self._fail(after=False)
        except BaseException:
            self._network._lock.release()
            raise

    def __exit__(self, kind, failure, trace):
        try:
            if kind is None:
                self._fail(after=True)
        finally:
            self._network._lock.release()

    def _fail(self, after):
        for planned in self._network._failures:
            method, failure, when = planned
            if method in (None, self._method) and when == after:
                self._network._failures.remove(planned)
                raise failure


def _first_that_answers(ports, request):
    for port in ports:
        addresses = {ip.address for ip in port.addresses}
        if port.network_id == request.network_id and (not request.fixed_ip or request.fixed_ip in addresses):
            return port
    return None
