"""Give servers their ports: what we ask of the network service, in Neutron's API."""

import dataclasses
import ipaddress
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import keystoneauth1.adapter

from nova import errors
from nova.clients.known_networks import CACHE_AGE, DEFAULT_GROUP, EXTENSION_AGE, KnownNetworks
from nova.clients.neighbour import Neighbour
from nova.clients.neutron import Neutron
from nova.clients.user_network import UserNetwork
from nova.context import Context
from nova.domain.network import FixedIP, Network, NetworkRequest, Port

AMBIGUOUS = 'Multiple possible networks found, use a Network ID to be more specific.'


class NetworkClient:
    """Speaks to the network service behind a keystoneauth adapter that carries the cloud's own (service) credentials.

    `for_user`, if given, makes an adapter that acts for a context's user; what a user may see is then asked as that
    user, so that every sharing rule of the network service holds. Without it only owner and `shared` are compared.
    """

    def __init__(
        self,
        adapter: keystoneauth1.adapter.Adapter,
        for_user: Callable[[Context], keystoneauth1.adapter.Adapter | None] | None = None,
        cache_age: float = CACHE_AGE,
        extension_age: float = EXTENSION_AGE,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._neutron, self._for_user = Neutron(adapter), for_user
        as_user = self._as_user if for_user else None
        self._known = KnownNetworks(self._neutron, as_user, cache_age, extension_age, clock)

    @property
    def neighbour(self) -> Neighbour:
        return self._neutron.neighbour

    def of(self, context: Context) -> UserNetwork:
        """The service as the context's user sees it; what they ask through us is up to it."""
        adapter = self._for_user(context) if self._for_user else None
        if adapter is None:
            raise errors.ServiceDown('The network service can be asked only with the token of a user.')
        return UserNetwork(self._neutron.user(adapter), context)

    # What the API asks before it accepts a request; nothing is changed.

    def check(
        self,
        context: Context,
        requests: Sequence[NetworkRequest],
        security_groups: Sequence[str] = (),
        absent: type[errors.Refused] = errors.Invalid,
        taken: type[errors.Refused] = errors.Invalid,
    ) -> list[Network]:
        """Refuse networks, ports, addresses and groups that do not exist for this user, or are in use.

        Returns the networks that the requests name. What does not exist is refused as `absent`, an address that is in
        use as `taken`.
        """
        self._check_ports(context, [request for request in requests if request.port_id], absent)
        wanted = [request for request in requests if not request.port_id]
        networks = self._known.visible(context, {request.network_id for request in wanted if request.network_id})
        for request in wanted:
            self._check_network(networks, request, absent, taken)
        self._known.group_ids(context.project_id, security_groups)
        return list(networks.values())

    def wants_resources(self, port_ids: Sequence[str]) -> bool:
        """Whether one of the ports was promised something of its host, such as bandwidth. Users are not shown that."""
        return any(port.get('resource_request') for port in self._neutron.by_ids('ports', port_ids))

    def available(self, context: Context) -> list[Network]:
        """The network that a server gets if its user names none: at most one; several are a Conflict."""
        found = self._known.available(context)
        if len(found) > 1:
            raise errors.Conflict(AMBIGUOUS)
        return found

    def allocate(self, context: Context) -> str | None:
        """The id of the network that the service makes for a project that has none, once; None if it makes none.

        Errors: Conflict where it cannot, for want of an external network or of addresses to share out.
        """
        url = f'/auto-allocated-topology/{context.project_id}'
        answer = self._as_user(context).call('GET', url, missing_ok=True)
        return answer and answer['auto_allocated_topology']['id']

    # What operations do: repeatable, and undone by `release_ports`.

    def ensure_ports(
        self,
        context: Context,
        server_id: str,
        host: str,
        hostname: str,
        project_id: str,
        requests: Sequence[NetworkRequest],
        zone: str = 'nova',
        security_groups: Sequence[str] = (),
        maybe_exists: bool = False,
    ) -> tuple[Port, ...]:
        """A port on `host` for each request, in their order. `maybe_exists` says that this may have run before."""
        if not requests:
            return ()
        found = self._ports_with(device_id=server_id) if maybe_exists else []
        mine = {port['id']: port for port in found}
        given = self._given_ports(server_id, requests, mine)
        matched = _match(requests, found)
        missing = [request for place, request in enumerate(requests) if not request.port_id and place not in matched]
        binding = {'device_owner': f'compute:{zone}', 'binding:host_id': host}
        if missing:
            groups = self._known.group_ids(project_id, security_groups)
            name = {'dns_name': hostname} if hostname and self._known.keeps_names() else {}
            common = {'device_id': server_id, 'project_id': project_id, 'admin_state_up': True, **binding, **name}
            if groups:
                common['security_groups'] = groups
            made = iter(self._create([common | _where(request) for request in missing]))
        ports = []
        for place, request in enumerate(requests):
            if request.port_id:
                port = self._update(given[request.port_id], {'device_id': server_id, **binding})
            elif place in matched:
                port = self._update(matched[place], binding)
            else:
                port = next(made)
            ports.append((request, port))
        return self._domain_ports(ports)

    def release_ports(
        self,
        context: Context,
        server_id: str,
        ports: Sequence[Port] | None = None,
        requests: Iterable[NetworkRequest] = (),
    ) -> None:
        """Delete our ports of the server, give the user's back. Without `ports` all that carry the server's id are
        released; `requests` then says which of them the user brought."""
        kept = {request.port_id for request in requests if request.port_id}
        if ports is not None:
            kept |= {port.id for port in ports if port.preserve_on_delete}
            ours = [port.id for port in ports if port.id not in kept]
        else:
            ours = []
        if kept or ports is None:
            # Ask first: a port of the user's may serve another server by now.
            found = [port['id'] for port in self._ports_with(device_id=server_id)]
            for port_id in found:
                if port_id in kept:
                    self._unbind(port_id)
            ours = list(dict.fromkeys(ours + [port_id for port_id in found if port_id not in kept]))
        for port_id in ours:
            self._neutron.call('DELETE', f'/ports/{port_id}', missing_ok=True)

    def ensure_port(
        self,
        context: Context,
        server_id: str,
        host: str,
        hostname: str,
        project_id: str,
        request: NetworkRequest,
        zone: str | None = None,
        known: Iterable[str] = (),
        maybe_exists: bool = False,
    ) -> Port:
        """One more port for a server that has those that are `known`; undone by `release_port`."""
        if maybe_exists and not request.port_id:
            for port in self._made_for(server_id, project_id, request, known):
                return self._domain_ports([(request, self._update(port, {'binding:host_id': host}))])[0]
        (port,) = self.ensure_ports(context, server_id, host, hostname, project_id, (request,), zone or 'nova')
        return port

    def release_port(
        self,
        context: Context,
        server_id: str,
        project_id: str,
        request: NetworkRequest,
        known: Iterable[str] = (),
        port_id: str | None = None,
    ) -> None:
        """Undo `ensure_port`, of which nothing may have happened, or which gave this port."""
        if request.port_id:
            if any(port['id'] == request.port_id for port in self._ports_with(device_id=server_id)):
                self._unbind(request.port_id)
            return
        made = [port_id] if port_id else [port['id'] for port in self._made_for(server_id, project_id, request, known)]
        for ident in made:
            self._neutron.call('DELETE', f'/ports/{ident}', missing_ok=True)

    def _made_for(
        self, server_id: str, project_id: str, request: NetworkRequest, known: Iterable[str]
    ) -> list[dict[str, Any]]:
        """The port that an interrupted `ensure_port` has made, if any."""
        known = frozenset(known)
        found = self._ports_with(device_id=server_id, project_id=project_id)
        return [port for port in found if port['id'] not in known and _answers(port, request)][:1]

    def ports_of(self, context: Context, server_id: str, requests: Iterable[NetworkRequest] = ()) -> tuple[Port, ...]:
        """The ports that carry the server's id; `requests` says which are the user's own, and their tags."""
        by_port = {request.port_id: request for request in requests if request.port_id}
        found = self._ports_with(device_id=server_id)
        floating = self._floating_ips([port['id'] for port in found])
        ports = self._domain_ports([(by_port.get(port['id'], NetworkRequest()), port) for port in found])
        return tuple(dataclasses.replace(port, floating_ips=floating.get(port.id, ())) for port in ports)

    def group_names(self, ports: Sequence[Port], asked: Sequence[str] = ()) -> tuple[str, ...]:
        """The names of the ports' security groups; `asked` are the groups that those of ours were made with."""
        idents = sorted({ident for port in ports for ident in port.security_groups})
        if not idents:
            return ()
        if not set(asked) - {DEFAULT_GROUP} and not any(port.preserve_on_delete for port in ports):
            return (DEFAULT_GROUP,)
        return self._known.group_names(idents)

    def forget(self) -> None:
        """Drop what was remembered."""
        self._known.forget()

    def ping(self) -> None:
        """Raise ServiceDown unless the network service answers."""
        self._neutron.call('GET', '/networks?limit=1&fields=id')

    # Checks

    def _check_ports(self, context: Context, requests: Sequence[NetworkRequest], absent: type[errors.Refused]) -> None:
        if not requests:
            return
        idents = [request.port_id for request in requests]
        if len(set(idents)) != len(idents):
            raise errors.Invalid('A port is given twice in networks.')
        found = {port['id']: port for port in self._as_user(context).by_ids('ports', idents)}
        for ident in idents:
            port = found.get(ident)
            if port is None or not (context.is_admin or port.get('project_id') == context.project_id):
                raise absent(f'Port id {ident} could not be found.')
            if port.get('device_id'):
                raise errors.Conflict(f'Port {ident} is still in use.')
            if not port.get('fixed_ips') and port.get('ip_allocation') != 'none':
                raise errors.Invalid(f'Port {ident} requires a FixedIP in order to be used.')

    def _check_network(
        self,
        networks: dict[str, Network],
        request: NetworkRequest,
        absent: type[errors.Refused],
        taken: type[errors.Refused],
    ) -> None:
        network = networks.get(request.network_id)
        if network is None:
            raise absent(f'Network {request.network_id} could not be found.')
        if not network.subnets:
            raise errors.Invalid(f'Network {network.id} requires a subnet in order to boot instances on.')
        if not request.fixed_ip:
            return
        address = ipaddress.ip_address(request.fixed_ip)
        if not any(address in ipaddress.ip_network(subnet.cidr) for subnet in network.subnets):
            raise errors.Invalid(f'Fixed IP {address} is not a valid ip address for network {network.id}.')
        if self._ports_with(network_id=network.id, fixed_ips=f'ip_address={address}'):
            raise taken(f'Fixed IP address {address} is already in use on instance.')

    # Ports

    def _given_ports(
        self, server_id: str, requests: Sequence[NetworkRequest], mine: dict[str, dict[str, Any]]
    ) -> dict[str, dict[str, Any]]:
        """The user's own ports that the requests name, free or ours already."""
        idents = [request.port_id for request in requests if request.port_id]
        missing = [ident for ident in idents if ident not in mine]
        found = {port['id']: port for port in self._neutron.by_ids('ports', missing)} | mine
        for ident in idents:
            if ident not in found:
                raise errors.NotFound(f'Port id {ident} could not be found.')
            if found[ident].get('device_id') not in ('', None, server_id):
                raise errors.Conflict(f'Port {ident} is still in use.')
        return found

    def _create(self, bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        try:
            if len(bodies) == 1:
                return [self._neutron.call('POST', '/ports', {'port': bodies[0]})['port']]
            return self._neutron.call('POST', '/ports', {'ports': list(bodies)})['ports']
        except errors.NotFound:
            # A network that we remember is gone.
            self.forget()
            raise

    def _update(self, port: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
        if all(port.get(name) == value for name, value in wanted.items()):
            return port
        return self._neutron.call('PUT', f'/ports/{port["id"]}', {'port': wanted})['port']

    def _unbind(self, port_id: str) -> None:
        nobody = {'device_id': '', 'device_owner': '', 'binding:host_id': '', 'binding:profile': {}}
        self._neutron.call('PUT', f'/ports/{port_id}', {'port': nobody}, missing_ok=True)

    def _ports_with(self, **filters: str) -> list[dict[str, Any]]:
        return self._neutron.all('ports', filters)

    def _floating_ips(self, port_ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The floating addresses by port; none where the network service has no such thing."""
        try:
            raws = self._neutron.having('floatingips', 'port_id', port_ids)
        except errors.NotFound:
            return {}
        return {
            port_id: tuple(raw['floating_ip_address'] for raw in raws if raw['port_id'] == port_id)
            for port_id in port_ids
        }

    def _domain_ports(self, pairs: Sequence[tuple[NetworkRequest, dict[str, Any]]]) -> tuple[Port, ...]:
        networks = self._known.by_id(port['network_id'] for _, port in pairs)
        return tuple(_port(request, raw, networks[raw['network_id']]) for request, raw in pairs)

    def _as_user(self, context: Context) -> Neutron:
        adapter = self._for_user(context) if self._for_user else None
        return self._neutron.user(adapter) if adapter else self._neutron


def _match(requests: Sequence[NetworkRequest], found: Sequence[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Ports that an earlier run made, by the place of the request that they answer; each port answers one."""
    brought = {request.port_id for request in requests if request.port_id}
    free = [port for port in found if port['id'] not in brought]
    matched = {}
    # Requests for one address choose first: the others take whatever is left on their network.
    for place, request in sorted(enumerate(requests), key=lambda entry: entry[1].fixed_ip is None):
        port = next((port for port in free if not request.port_id and _answers(port, request)), None)
        if port:
            free.remove(port)
            matched[place] = port
    return matched


def _answers(port: dict[str, Any], request: NetworkRequest) -> bool:
    addresses = {ip['ip_address'] for ip in port.get('fixed_ips', ())}
    return port['network_id'] == request.network_id and (not request.fixed_ip or request.fixed_ip in addresses)


def _where(request: NetworkRequest) -> dict[str, Any]:
    body: dict[str, Any] = {'network_id': request.network_id}
    if request.fixed_ip:
        body['fixed_ips'] = [{'ip_address': request.fixed_ip}]
    return body


def _port(request: NetworkRequest, raw: dict[str, Any], network: Network) -> Port:
    details = raw.get('binding:vif_details') or {}
    ips = raw.get('fixed_ips') or ()
    # Only the subnets that the port has an address of: the guest is told of those.
    subnets = tuple(subnet for subnet in network.subnets if any(ip['subnet_id'] == subnet.id for ip in ips))
    return Port(
        id=raw['id'],
        mac=raw['mac_address'],
        network=dataclasses.replace(network, subnets=subnets, bridge=details.get('bridge_name')),
        fixed_ips=tuple(
            FixedIP(ip['ip_address'], ip['subnet_id'], ipaddress.ip_address(ip['ip_address']).version) for ip in ips
        ),
        vif_type=raw.get('binding:vif_type') or 'unbound',
        vif_details=details,
        vnic_type=raw.get('binding:vnic_type') or 'normal',
        active=raw.get('status') == 'ACTIVE',
        preserve_on_delete=request.port_id is not None,
        tag=request.tag,
        host=raw.get('binding:host_id') or None,
        security_groups=tuple(raw.get('security_groups') or ()),
        admin_up=raw.get('admin_state_up', True),
    )
