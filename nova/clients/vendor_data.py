"""Find the vendor data that guests get: what an operator keeps in a file, and what other services say of each server."""

import dataclasses
import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

import keystoneauth1.exceptions
import keystoneauth1.session

from nova import errors
from nova.clients import identity
from nova.domain.guest_data import Site
from nova.domain.server import Server

LOG = logging.getLogger(__name__)

STATIC, DYNAMIC = 'StaticJSON', 'DynamicJSON'
AUTH = 'vendordata_dynamic_auth'

# What a site's data becomes for one server.
ForServer = Callable[[Site, Server], Site]


def site(dhcp_domain: str, providers: Sequence[str], path: str | None) -> Site:
    """What guests are told besides facts about themselves. A file that cannot be read is logged, and is as if empty."""
    if STATIC not in providers:
        return Site(dhcp_domain)
    static = _read(path) if path else {}
    return Site(dhcp_domain, vendor_data=static, vendor_data2={'static': static})


def nothing_more(site: Site, server: Server) -> Site:
    """For a site where no other service is asked."""
    return site


def for_servers(conf: Any) -> ForServer:
    """What asks the services that the options name."""
    api = conf.api
    if DYNAMIC not in api.vendordata_providers or not api.vendordata_dynamic_targets:
        return nothing_more
    return Services(
        targets(api.vendordata_dynamic_targets),
        _session(conf),
        timeout=(api.vendordata_dynamic_connect_timeout, api.vendordata_dynamic_read_timeout or None),
        verify=api.vendordata_dynamic_ssl_certfile or True,
        fatal=api.vendordata_dynamic_failure_fatal,
    )


def targets(given: Sequence[str]) -> dict[str, str]:
    """The address of each service by its name; of two with one name the first. What is malformed is logged."""
    found: dict[str, str] = {}
    for text in given:
        name, _, url = text.partition('@')
        if name and url and name not in found:
            found[name] = url
        else:
            LOG.warning('Vendor data does not come from %s: write vendordata_dynamic_targets as <name>@<url>.', text)
    return found


@dataclasses.dataclass(frozen=True)
class Services:
    """Adds what each service says of a server. One that does not answer says nothing, or is `fatal`: ServiceDown."""

    targets: dict[str, str]
    session: keystoneauth1.session.Session
    timeout: tuple[float, float | None]
    verify: bool | str = True
    fatal: bool = False

    def __call__(self, site: Site, server: Server) -> Site:
        said = {name: self._ask(name, url, server) for name, url in self.targets.items()}
        return dataclasses.replace(site, vendor_data2={**site.vendor_data2, **said})

    def _ask(self, name: str, url: str, server: Server) -> Any:
        try:
            answer = self.session.post(url, json=_described(server), timeout=self.timeout, verify=self.verify)
            return answer.json() if answer.content else {}
        except (keystoneauth1.exceptions.ClientException, ValueError) as failure:
            if self.fatal:
                raise errors.ServiceDown(
                    f'{name} does not say what it knows of server {server.id}: {failure}'
                ) from failure
            LOG.warning('Server %s gets no vendor data of %s: %s', server.id, name, failure)
            return {}


def _described(server: Server) -> dict[str, Any]:
    return {
        'project-id': server.project_id,
        'instance-id': server.id,
        'image-id': server.image_id,
        'user-data': server.user_data,
        'hostname': server.hostname,
        'metadata': dict(server.metadata),
    }


def _session(conf: Any) -> keystoneauth1.session.Session:
    try:
        return identity.session(conf, AUTH)
    except errors.ServiceDown as failure:
        LOG.warning('Services are asked for vendor data without a token: %s', failure)
        return keystoneauth1.session.Session()


def _read(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding='utf-8') as file:
            found = json.load(file)
    except (OSError, ValueError) as failure:
        LOG.warning('Guests get no vendor data: %s cannot be read as JSON (%s).', path, failure)
        return {}
    if not isinstance(found, dict):
        LOG.warning('Guests get no vendor data: %s must hold a JSON object.', path)
        return {}
    return found
