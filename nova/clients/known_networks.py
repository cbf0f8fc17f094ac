"""Remember for a while what networks, security groups and abilities the network service has."""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from nova import errors
from nova.clients.neutron import Neutron
from nova.context import Context
from nova.domain.network import Network, Route, Subnet

CACHE_AGE = 30.0
EXTENSION_AGE = 600.0
CACHE_SIZE = 1000
DEFAULT_GROUP = 'default'


class KnownNetworks:
    """`as_user` is the service as a context's user sees it; None if it can be asked as nobody but ourselves."""

    def __init__(
        self,
        neutron: Neutron,
        as_user: Callable[[Context], Neutron] | None,
        cache_age: float,
        extension_age: float,
        clock: Callable[[], float],
    ):
        self._neutron, self._as_user = neutron, as_user
        self._networks = _Cache(cache_age, clock)
        self._available = _Cache(cache_age, clock)
        self._groups = _Cache(cache_age, clock)
        self._extensions = _Cache(extension_age, clock)

    def forget(self) -> None:
        for cache in (self._networks, self._available, self._groups, self._extensions):
            cache.clear()

    # Networks

    def visible(self, context: Context, idents: Iterable[str]) -> dict[str, Network]:
        """Those of the networks that the context's user may use, by id."""
        known = {ident: self._networks.get((context.project_id, ident)) for ident in idents}
        missing = [ident for ident, network in known.items() if network is None]
        if missing:
            if self._as_user:
                usable = self._as_user(context).by_ids('networks', missing)
            else:
                usable = [raw for raw in self._neutron.by_ids('networks', missing) if _usable_by(raw, context)]
            for network in self._with_subnets(usable):
                self._networks.put((context.project_id, network.id), network)
                known[network.id] = network
        return {ident: network for ident, network in known.items() if network}

    def by_id(self, idents: Iterable[str]) -> dict[str, Network]:
        """Networks as facts, whoever may see them."""
        known = {ident: self._networks.get((None, ident)) for ident in set(idents)}
        missing = [ident for ident, network in known.items() if network is None]
        if missing:
            known |= {network.id: network for network in self._with_subnets(self._neutron.by_ids('networks', missing))}
        return {ident: network or Network(ident, '') for ident, network in known.items()}

    def available(self, context: Context) -> list[Network]:
        """All that the context's project has for its servers."""
        found = self._available.get(context.project_id)
        if found is None or len(found) != 1:
            # Only one unambiguous network is worth remembering: a user who has just made theirs must not be refused.
            found = self._fetch_available(context)
            self._available.put(context.project_id, found)
        return found

    def _fetch_available(self, context: Context) -> list[Network]:
        own = self._neutron.all('networks', {'project_id': context.project_id, 'shared': 'false'})
        shared = self._neutron.all('networks', {'shared': 'true'})
        # An external network is for routers and floating addresses, unless its owner shares it for servers, too.
        raws = [raw for raw in own if not raw.get('router:external')] + shared
        return self._with_subnets(raws)

    def _with_subnets(self, raws: Sequence[dict[str, Any]]) -> list[Network]:
        idents = [raw['id'] for raw in raws if raw.get('subnets', True)]
        subnets = self._neutron.having('subnets', 'network_id', idents)
        servers = self._dhcp_servers([subnet['network_id'] for subnet in subnets if subnet.get('enable_dhcp')])
        networks = [
            _network(raw, [subnet for subnet in subnets if subnet['network_id'] == raw['id']], servers) for raw in raws
        ]
        for network in networks:
            self._networks.put((None, network.id), network)
        return networks

    def _dhcp_servers(self, network_ids: Iterable[str]) -> dict[str, str]:
        """By subnet id, the address that its DHCP answers from."""
        ports = self._neutron.having(
            'ports', 'network_id', dict.fromkeys(network_ids), {'device_owner': 'network:dhcp'}
        )
        return {ip['subnet_id']: ip['ip_address'] for port in ports for ip in port.get('fixed_ips', ())}

    # Security groups

    def group_ids(self, project_id: str | None, names: Sequence[str]) -> list[str]:
        """The ids of security groups given by name or id; none for "only the default one", which needs no naming."""
        wanted = list(dict.fromkeys(names))
        if not wanted or wanted == [DEFAULT_GROUP]:
            return []
        key = (project_id, tuple(wanted))
        idents = self._groups.get(key)
        if idents is None:
            fields = {'project_id': project_id, 'fields': ['id', 'name']}
            groups = self._neutron.all('security-groups', fields)
            idents = [_group_id(groups, name, project_id) for name in wanted]
            self._groups.put(key, idents)
        return idents

    def group_names(self, idents: Sequence[str]) -> tuple[str, ...]:
        key = ('names', tuple(idents))
        names = self._groups.get(key)
        if names is None:
            names = tuple(sorted({group['name'] for group in self._neutron.by_ids('security-groups', idents)}))
            self._groups.put(key, names)
        return names

    # Abilities

    def keeps_names(self) -> bool:
        """Whether the service has names of ports for DNS."""
        known = self._extensions.get('aliases')
        if known is None:
            known = {extension['alias'] for extension in self._neutron.all('extensions', {})}
            self._extensions.put('aliases', known)
        return 'dns-integration' in known


class _Cache:
    """Remembers values for a while."""

    def __init__(self, age: float, clock: Callable[[], float]):
        self._age, self._clock, self._lock = age, clock, threading.Lock()
        self._entries: dict[Any, tuple[float, Any]] = {}

    def get(self, key: Any) -> Any:
        with self._lock:
            until, value = self._entries.get(key, (0.0, None))
        return value if self._clock() < until else None

    def put(self, key: Any, value: Any) -> None:
        with self._lock:
            if len(self._entries) >= CACHE_SIZE:
                self._entries.clear()
            self._entries[key] = (self._clock() + self._age, value)

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()


def _usable_by(raw: dict[str, Any], context: Context) -> bool:
    return context.is_admin or bool(raw.get('shared')) or raw.get('project_id') == context.project_id


def _group_id(groups: Sequence[dict[str, Any]], name: str, project_id: str | None) -> str:
    by_id = [group['id'] for group in groups if group['id'] == name]
    found = by_id or [group['id'] for group in groups if group['name'] == name]
    if not found:
        raise errors.Invalid(f'Security group {name} not found for project {project_id}.')
    if len(found) > 1:
        raise errors.Conflict(
            f"Multiple security_groups matching '{name}' found for project {project_id}. Use an ID to be more specific."
        )
    return found[0]


def _network(raw: dict[str, Any], subnets: Sequence[dict[str, Any]], dhcp_servers: dict[str, str]) -> Network:
    return Network(
        id=raw['id'],
        label=raw.get('name') or '',
        mtu=raw.get('mtu'),
        project_id=raw.get('project_id'),
        external=bool(raw.get('router:external')) and not raw.get('shared'),
        subnets=tuple(
            Subnet(
                id=subnet['id'],
                cidr=subnet['cidr'],
                gateway=subnet.get('gateway_ip'),
                dns=tuple(subnet.get('dns_nameservers') or ()),
                version=subnet.get('ip_version', 4),
                dhcp_server=dhcp_servers.get(subnet['id']),
                routes=tuple(
                    Route(route['destination'], route['nexthop']) for route in subnet.get('host_routes') or ()
                ),
                dhcp_enabled=subnet.get('enable_dhcp', True),
                ipv6_address_mode=subnet.get('ipv6_address_mode'),
            )
            for subnet in subnets
        ),
    )
