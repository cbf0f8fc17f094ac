"""Prove to neighbours who calls: sessions from the options of a group, and adapters that act for a user."""

import contextlib
from collections.abc import Callable
from typing import Any

import keystoneauth1.adapter
import keystoneauth1.exceptions
import keystoneauth1.session
from keystoneauth1 import loading, service_token, token_endpoint
from oslo_config import cfg

from nova import errors
from nova.clients.neighbour import Neighbour
from nova.context import Context

# Seconds without a byte from the neighbour, where the operator has said nothing.
TIMEOUT = 60
CONNECTIONS = 64
SERVICE_USER = 'service_user'


def session(conf: Any, group: str) -> keystoneauth1.session.Session:
    """A session with the credentials of an options group. It keeps one token, and its connections, for all threads."""
    loading.register_auth_conf_options(conf, group)
    for option in loading.get_session_conf_options():
        # [keystone_authtoken] has some of them already, by the same names and with other words of help.
        with contextlib.suppress(cfg.DuplicateOptError):
            conf.register_opt(option, group=group)
    try:
        auth = loading.load_auth_from_conf_options(conf, group)
    except keystoneauth1.exceptions.ClientException as failure:
        raise errors.ServiceDown(f'The credentials in [{group}] cannot be used: {failure}') from failure
    if auth is None:
        raise errors.ServiceDown(f'There are no credentials in [{group}]: set auth_type and what it needs.')
    made = loading.load_session_from_conf_options(conf, group, auth=auth)
    made.timeout = made.timeout or TIMEOUT
    for scheme in ('http://', 'https://'):
        made.session.mount(scheme, keystoneauth1.session.TCPKeepAliveAdapter(pool_maxsize=CONNECTIONS))
    return made


def adapter(conf: Any, group: str) -> keystoneauth1.adapter.Adapter:
    """An adapter for the neighbour of a group, with the cloud's own credentials."""
    made = loading.load_adapter_from_conf_options(conf, group, session=session(conf, group))
    if made.connect_retries is None:
        # The older name, where a group has it.
        made.connect_retries = getattr(conf[group], 'http_retries', None)
    return made


def for_user(conf: Any, group: str) -> Callable[[Context], keystoneauth1.adapter.Adapter | None]:
    """What makes, from a context, an adapter that acts for its user; None when the context carries no token.

    A service's token goes with the user's, so that a call is accepted though the user's token has expired meanwhile.
    """
    own = adapter(conf, group)
    vouching = session(conf, SERVICE_USER) if conf[SERVICE_USER].send_service_user_token else own.session

    def act_for(context: Context) -> keystoneauth1.adapter.Adapter | None:
        if not context.token:
            return None
        endpoint = _endpoint(own, group)
        auth = service_token.ServiceTokenAuthWrapper(
            user_auth=token_endpoint.Token(endpoint, context.token), service_auth=vouching.auth
        )
        # Said again, because a session asks its plugin for the endpoint only if it is given something to look for.
        return keystoneauth1.adapter.Adapter(
            session=own.session,
            auth=auth,
            endpoint_override=endpoint,
            global_request_id=context.request_id,
            connect_retries=own.connect_retries,
        )

    return act_for


class IdentityClient:
    """Asks Keystone about projects, as the user who asks us."""

    def __init__(self, adapter: Any):
        self._neighbour = Neighbour('Keystone', adapter)

    @property
    def neighbour(self) -> Neighbour:
        return self._neighbour

    def check(self) -> None:
        """Raise ServiceDown with a sentence unless Keystone answers."""
        self._neighbour.request('GET', '/v3', authenticated=False)

    def project_exists(self, context: Context, project_id: str) -> bool:
        """False only if Keystone says so: who may not ask, or asks while Keystone is away, is believed."""
        headers = {'X-Auth-Token': context.token} if context.token else {}
        try:
            answer = self._neighbour.request(
                'GET', f'/v3/projects/{project_id}', refused=(401, 403, 404), headers=headers, authenticated=not headers
            )
        except errors.ServiceDown:
            return True
        return answer.status_code != 404


def keystone(conf: Any) -> IdentityClient:
    """The client for Keystone: by the options of [keystone], or those that tokens are checked with."""
    group = 'keystone' if conf.keystone.auth_type else 'keystone_authtoken'
    interface = (conf.keystone.valid_interfaces or ['internal'])[0]
    found = session(conf, group)
    unversioned = keystoneauth1.adapter.Adapter(
        session=found,
        service_type='identity',
        interface=interface,
        region_name=conf.keystone.region_name,
        endpoint_override=conf.keystone.endpoint_override or _root(found.auth.auth_url),
    )
    return IdentityClient(unversioned)


def _root(url: str) -> str:
    """Keystone's address without the version, which our paths begin with."""
    return url.rstrip('/').removesuffix('/v3')


def _endpoint(found: keystoneauth1.adapter.Adapter, group: str) -> str:
    try:
        endpoint = found.get_endpoint()
    except keystoneauth1.exceptions.ClientException as failure:
        raise errors.ServiceDown(f'The neighbour of [{group}] cannot be found: {failure}') from failure
    if not endpoint:
        raise errors.ServiceDown(f'The catalog has no endpoint for the neighbour of [{group}].')
    return endpoint
