"""Answer DHCP and DNS on each network's bridge with a dnsmasq of its own, which outlives this daemon."""

import contextlib
import dataclasses
import logging
import os
import pathlib
import pwd
import shutil
import signal
import time
from collections.abc import Sequence

from nova.network.host.desired import DesiredNetwork, DesiredSubnet
from nova.network.host.namespace import Namespace

LOG = logging.getLogger(__name__)

METADATA_ROUTE = '169.254.169.254/32'
STOP_SECONDS = 5.0


@dataclasses.dataclass(frozen=True)
class DhcpSettings:
    lease_duration: int = 86400
    dns_servers: tuple[str, ...] = ()


def configuration(network: DesiredNetwork, directory: pathlib.Path, settings: DhcpSettings, user: str) -> str:
    """What dnsmasq reads once, at its start."""
    lines = [
        f'interface={network.bridge}',
        'except-interface=lo',
        'bind-interfaces',
        # It would drop to a user who may not reach the directory, and then could not read the files again.
        f'user={user}',
        f'pid-file={directory}/pid',
        f'dhcp-leasefile={directory}/leases',
        f'dhcp-hostsfile={directory}/hosts',
        f'dhcp-optsfile={directory}/options',
        f'addn-hosts={directory}/names',
        f'log-facility={directory}/log',
        'no-hosts',
        # Addresses are given out by nova-network; asking the network first costs three seconds per guest.
        'no-ping',
        'dhcp-authoritative',
        f'domain={network.domain}',
        f'local=/{network.domain}/',
        'domain-needed',
        'bogus-priv',
    ]
    if settings.dns_servers:
        lines += ['no-resolv', *(f'server={address}' for address in settings.dns_servers)]
    for subnet in _with_dhcp(network):
        first, _, length = subnet.cidr.partition('/')
        lines.append(f'dhcp-range=set:{_tag(subnet)},{first},static,{_netmask(length)},{settings.lease_duration}s')
    leases = sum(2 ** (32 - int(subnet.prefix_length)) for subnet in _with_dhcp(network))
    lines.append(f'dhcp-lease-max={min(leases, 1 << 24)}')
    return _text(lines)


def options(network: DesiredNetwork) -> str:
    """What each guest is told besides its address; read again on SIGHUP."""
    lines = []
    for subnet in _with_dhcp(network):
        tag = f'tag:{_tag(subnet)}'
        routes = [METADATA_ROUTE, subnet.dhcp_address]
        for destination, nexthop in subnet.routes:
            routes += [destination, nexthop]
        if subnet.gateway:
            # Who understands option 121 ignores option 3, so the default route is in both.
            routes += ['0.0.0.0/0', subnet.gateway]
        lines += [
            f'{tag},option:router' + (f',{subnet.gateway}' if subnet.gateway else ''),
            f'{tag},option:dns-server,{",".join(subnet.dns or (subnet.dhcp_address,))}',
            f'{tag},option:classless-static-route,{",".join(routes)}',
            f'{tag},249,{",".join(routes)}',
            f'{tag},option:mtu,{network.mtu}',
            f'{tag},option:domain-search,{network.domain}',
        ]
    return _text(lines)


def hosts(network: DesiredNetwork) -> str:
    """Who gets which address; read again on SIGHUP."""
    return _text([f'{guest.mac},{guest.address},{guest.name}' for guest in network.guests])


def names(network: DesiredNetwork) -> str:
    """What names resolve to; read again on SIGHUP."""
    return _text([f'{guest.address} {guest.name}.{network.domain} {guest.name}' for guest in network.guests])


class DnsmasqServers:
    """One process per network that has DHCP, found again by its pid file after a restart of this daemon."""

    def __init__(self, namespace: Namespace, directory: str | os.PathLike, settings: DhcpSettings):
        self._namespace, self._root, self._settings = namespace, pathlib.Path(directory).absolute(), settings
        self._user = pwd.getpwuid(os.geteuid()).pw_name

    def ensure(self, networks: Sequence[DesiredNetwork]) -> dict[str, str]:
        """Make the servers be as the networks call for; what went wrong, by network id."""
        wanted = {network.id: network for network in networks if network.has_dhcp}
        self._root.mkdir(parents=True, exist_ok=True)
        for directory in self._root.iterdir():
            if directory.name not in wanted:
                self._remove(directory)
        problems = {}
        for network in wanted.values():
            try:
                self._ensure_one(network)
            except Exception as failure:
                LOG.error('DHCP of network %s does not run: %s', network.id, failure)
                problems[network.id] = str(failure)
        return problems

    def remove_all(self) -> None:
        if self._root.is_dir():
            for directory in self._root.iterdir():
                self._remove(directory)

    def _ensure_one(self, network: DesiredNetwork) -> None:
        directory = self._root / network.id
        directory.mkdir(exist_ok=True)
        text = configuration(network, directory, self._settings, self._user)
        changed = [
            _write(directory / 'hosts', hosts(network)),
            _write(directory / 'names', names(network)),
            _write(directory / 'options', options(network)),
        ]
        pid = running(directory)
        if pid and _write(directory / 'conf', text):
            stop(directory)
            pid = None
        if pid is None:
            _write(directory / 'conf', text)
            self._namespace.run('dnsmasq', f'--conf-file={directory}/conf')
        elif any(changed):
            os.kill(pid, signal.SIGHUP)

    def _remove(self, directory: pathlib.Path) -> None:
        stop(directory)
        shutil.rmtree(directory, ignore_errors=True)


def running(directory: pathlib.Path) -> int | None:
    """The process that serves this directory. A pid file alone proves nothing: the number may be another's by now."""
    try:
        pid = int((directory / 'pid').read_text())
        words = pathlib.Path(f'/proc/{pid}/cmdline').read_bytes().split(b'\0')
    except (OSError, ValueError):
        return None
    return pid if f'--conf-file={directory}/conf'.encode() in words else None


def stop(directory: pathlib.Path) -> None:
    """End the process that serves this directory, if there is one."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        pid = running(directory)
        if pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, how)
        deadline = time.monotonic() + STOP_SECONDS
        while running(directory) and time.monotonic() < deadline:
            time.sleep(0.01)


def _write(path: pathlib.Path, text: str) -> bool:
    """Replace a file in one go, if it is not as it should be; whether it was not."""
    if path.exists() and path.read_text() == text:
        return False
    new = path.with_suffix('.new')
    new.write_text(text)
    new.replace(path)
    return True


def _with_dhcp(network: DesiredNetwork) -> list[DesiredSubnet]:
    return [subnet for subnet in network.subnets if subnet.dhcp_address]


def _tag(subnet: DesiredSubnet) -> str:
    return f'subnet-{subnet.id}'


def _netmask(length: str) -> str:
    bits = (0xFFFFFFFF << (32 - int(length))) & 0xFFFFFFFF
    return '.'.join(str(bits >> shift & 255) for shift in (24, 16, 8, 0))


def _text(lines: Sequence[str]) -> str:
    return ''.join(f'{line}\n' for line in lines)
