"""Make this machine be as the database says: at start, after each change, and every so often."""

import logging
import threading
from collections.abc import Callable, Sequence

from nova import errors
from nova.network.host import bridges
from nova.network.host.desired import DesiredNetwork
from nova.network.host.dnsmasq import DnsmasqServers
from nova.network.host.firewall import Firewall
from nova.network.host.metadata_proxy import MetadataProxies
from nova.network.host.namespace import CommandFailed, Namespace

LOG = logging.getLogger(__name__)


class Host:
    """The parts of the machine that networks need, and the thread that keeps them."""

    def __init__(
        self,
        namespace: Namespace,
        owner: str,
        dhcp: DnsmasqServers,
        firewall: Firewall,
        metadata: MetadataProxies,
        desired: Callable[[], Sequence[DesiredNetwork]],
        interval: float,
    ):
        self._namespace, self._owner, self._dhcp = namespace, owner, dhcp
        self._firewall, self._metadata = firewall, metadata
        self._desired, self._interval = desired, interval
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._problem: str | None = 'The bridges of this machine have not been looked at yet.'
        self._thread = threading.Thread(target=self._keep, name='reconcile', daemon=True)

    def start(self) -> None:
        """Bring the machine up to date once, then go on in the background."""
        self.reconcile()
        if not self._thread.is_alive():
            self._thread.start()

    def poke(self) -> None:
        """Something changed. Returns at once; many pokes may be answered by one pass."""
        self._wanted.set()

    def stop(self) -> None:
        """Stop looking. Bridges, DHCP and firewall stay: the guests go on."""
        self._stopping.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join(10)
        self._metadata.stop()

    def check(self) -> None:
        """Raise ServiceDown with the reason if the last pass did not succeed."""
        if self._problem:
            raise errors.ServiceDown(self._problem)

    def reconcile(self) -> None:
        """One pass. A part that fails does not keep the others from being put right."""
        networks = self._desired()
        problems: list[str] = []
        indexes = self._try(problems, lambda: bridges.ensure(self._namespace, self._owner, networks)) or {}
        self._try(problems, lambda: self._firewall.ensure(networks))
        failed = self._try(problems, lambda: self._dhcp.ensure(networks)) or {}
        problems += failed.values()
        listeners = {network.id: (network.bridge, indexes[network.bridge]) for network in networks if indexes}
        self._try(problems, lambda: self._metadata.ensure(listeners))
        self._problem = ' '.join(problems) or None

    def _try(self, problems: list[str], work: Callable[[], object]) -> object:
        try:
            return work()
        except (CommandFailed, OSError) as failure:
            LOG.error('The machine could not be brought in line with the networks: %s', failure)
            problems.append(str(failure))
            return None

    def _keep(self) -> None:
        while not self._stopping.is_set():
            self._wanted.wait(self._interval)
            self._wanted.clear()
            if self._stopping.is_set():
                return
            try:
                self.reconcile()
            except Exception as failure:
                self._problem = str(failure)
                LOG.exception('Networks could not be compared with the machine; the next pass tries again.')


def remove_all(namespace: Namespace, owner: str, dhcp: DnsmasqServers, firewall: Firewall) -> list[str]:
    """Take everything off the machine; what could not be taken off, in words."""
    problems = []
    for work in (dhcp.remove_all, firewall.remove, lambda: bridges.remove_all(namespace, owner)):
        try:
            work()
        except (CommandFailed, OSError) as failure:
            problems.append(str(failure))
    return problems
