"""Every published call is routed and documented in the versions that have it, and answers as published after its end."""

import re

import pytest
import webob
from oslo_config import cfg

from nova.api import app, openapi, routes
from nova.api.microversions import MAX, MIN
from nova.api.services import Services
from nova.db.database import Statements
from tests.fakes.identity import FakeIdentity
from tests.standing.published_calls import after, before, calls, shape

# Published calls that differ here, by name, and why.
DIFFERENT = {
    'PUT /os-services/{id}': 'Before 2.53 {id} is one of four words; each of them is a path of its own here.',
}
# Calls of ours that are not published as such.
OURS = {
    ('PUT', '/os-services/enable', None): 'One of the words of PUT /os-services/{id}.',
    ('PUT', '/os-services/disable', None): 'One of the words of PUT /os-services/{id}.',
    ('PUT', '/os-services/disable-log-reason', None): 'One of the words of PUT /os-services/{id}.',
    ('PUT', '/os-services/force-down', None): 'One of the words of PUT /os-services/{id}.',
}

CALLS = calls()
TABLE = routes.collect()
ROUTES = {}
for _entry in TABLE:
    ROUTES.setdefault((_entry.method, shape(_entry.path), _entry.action), []).append(_entry)


class Beyond:
    """Stands behind the API: no call that has ended may reach it."""

    statements = Statements()

    def __getattr__(self, name):
        raise AssertionError(f'A call that has ended went on to `{name}`.')


@pytest.fixture(scope='module')
def ask():
    """The status that a call gets at a version."""
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[])
    application = app.build_with(Services(Beyond(), flavors=Beyond()), None, FakeIdentity().wrap, conf)

    def send(call, version):
        path = re.sub(r'\{\w+\}', '00000000-0000-4000-8000-000000000001', call.path)
        asked = webob.Request.blank(f'/v2.1{path}', method=call.method)
        asked.headers.update({'X-Auth-Token': 'admin', 'OpenStack-API-Version': f'compute {version}'})
        if call.action:
            asked.json_body = {call.action: {}}
        return asked.get_response(application).status_int

    return send


@pytest.fixture(scope='module')
def documented():
    """Which calls the document of a version has."""
    known = {}

    def at(version):
        if version not in known:
            known[version] = {
                (method.upper(), shape(path), told.get('action'))
                for path, methods in openapi.document(TABLE, version)['paths'].items()
                for method, operation in methods.items()
                for told in operation['x-openstack']
            }
        return known[version]

    return at


def differences(call):
    """How our routes differ from a published call."""
    found = []
    for version in (call.first, call.last):
        here = [entry for entry in ROUTES.get(call.key, ()) if entry.at(version)]
        if not here:
            found.append(f'is not there at {version}')
        elif here[0].status not in call.statuses:
            found.append(f'answers {here[0].status} at {version}')
    for version in (before(call.first), after(call.last)):
        if version and not call.gone and any(entry.at(version) for entry in ROUTES.get(call.key, ())):
            found.append(f'is there at {version}')
    return found


def test_the_table_is_read():
    assert len(CALLS) > 200
    assert {call.name for call in CALLS} >= set(DIFFERENT)


@pytest.mark.parametrize('call', CALLS, ids=lambda call: call.name)
def test_a_published_call_is_routed_in_its_versions(call):
    assert bool(differences(call)) == (call.name in DIFFERENT), differences(call) or 'It is as published now.'


@pytest.mark.parametrize('call', CALLS, ids=lambda call: call.name)
def test_a_published_call_is_documented_in_its_versions(call, documented):
    if call.name in DIFFERENT:
        pytest.skip(DIFFERENT[call.name])
    assert call.key in documented(call.first)
    assert call.key in documented(call.last)


@pytest.mark.parametrize('call', [call for call in CALLS if call.ended], ids=lambda call: call.name)
def test_a_call_that_a_version_ended_is_404_from_the_next_on(call, ask, documented):
    assert ask(call, after(call.last)) == 404
    assert ask(call, MAX) == 404
    assert call.key not in documented(MAX)


@pytest.mark.parametrize('call', [call for call in CALLS if call.gone], ids=lambda call: call.name)
def test_a_call_that_is_gone_is_410_at_every_version(call, ask):
    assert {ask(call, MIN), ask(call, MAX)} == {410}


def test_a_call_is_not_there_before_its_first_version(ask):
    for call in CALLS:
        if call.first > MIN and call.name not in DIFFERENT:
            assert ask(call, before(call.first)) == 404, call.name


def test_every_call_of_ours_is_published_or_said_to_be_ours():
    published = {call.key for call in CALLS}
    assert {key for key in ROUTES if key not in published} == set(OURS)
