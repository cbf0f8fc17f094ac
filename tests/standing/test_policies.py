"""Who may call what, as published: rules, their defaults and scopes, and each call by each kind of user."""

import dataclasses
import re

import pytest
import webob
from oslo_config import cfg

from nova.api import app, routes
from nova.api.microversions import MAX
from nova.api.policy import PERSONAS, SCOPE_TYPES, Policies
from nova.api.request import Answer
from nova.api.services import Services, Settings
from nova.db.engine import Databases
from tests.fakes.identity import FakeIdentity
from tests.standing.published_calls import calls, rows, shape

# Published rules that nothing here asks for yet, and why.
LATER = {
    'os_compute_api:os-server-shares:create': 'Shares come with 2.97.',
    'os_compute_api:os-server-shares:delete': 'Shares come with 2.97.',
    'os_compute_api:os-server-shares:index': 'Shares come with 2.97.',
    'os_compute_api:os-server-shares:show': 'Shares come with 2.97.',
}

TABLE = routes.collect()
OURS = {rule.name: rule for rule in (*routes.rules(TABLE), *PERSONAS)}
PUBLISHED = {row['rule']: row for row in rows('policies.csv')}

EVERYBODY = {'reader', 'member', 'manager', 'admin', 'service', 'roleless'}
READERS = {'reader', 'member', 'manager', 'admin'}
MAY = {
    'any-authenticated': EVERYBODY,
    # The rule is about the user whose key pair it is; here everybody asks for their own.
    'own-user-or-admin': EVERYBODY,
    'project-reader': READERS,
    'project-member': READERS - {'reader'},
    'project-manager': {'manager', 'admin'},
    'service-or-admin': {'service', 'admin'},
    'admin': {'admin'},
}
# Calls whose handlers ask a finer question than their route does: who may is in the tests of their resource.
FINER = {
    'PUT /servers/{server_id}/os-volume_attachments/{id}': 'Members may change it, services may swap the volume.',
    'GET /os-quota-sets/{id}': 'The rule is asked about the project of the path.',
    'GET /os-quota-sets/{id}/detail': 'The rule is asked about the project of the path.',
    'GET /os-simple-tenant-usage/{id}': 'The rule is asked about the project of the path.',
    'GET /': 'The document of the version is given to those without a token, too.',
}
CALLS = {call.key: call for call in calls()}
GUARDED = [
    (entry, CALLS[key])
    for entry in TABLE
    if (key := (entry.method, shape(entry.path), entry.action)) in CALLS and not CALLS[key].gone
]


@pytest.fixture(scope='module')
def reaches():
    """Whether a user of tests.fakes.identity gets as far as the handler."""
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[])
    table = [
        dataclasses.replace(entry, handler=lambda request, **_parts: Answer(status=299), body=None, query=None)
        for entry in TABLE
    ]
    services = Services(Databases(None))
    application = app.Application(
        lambda: services, Settings(), FakeIdentity().wrap, Policies(conf, routes.rules(TABLE)), table
    )
    app._STATUS.setdefault(299, '299 Reached')

    def ask(entry, token):
        path = re.sub(r'\{\w+\}', 'x', entry.path)
        asked = webob.Request.blank(f'/v2.1{path}', method=entry.method)
        asked.headers.update({'X-Auth-Token': token, 'OpenStack-API-Version': f'compute {min(entry.until, MAX)}'})
        if entry.action:
            asked.json_body = {entry.action: None}
        answer = asked.get_response(application)
        assert answer.status_int in (299, 403), answer.text
        return answer.status_int == 299

    return ask


def test_every_published_rule_is_here_and_no_other():
    assert PUBLISHED.keys() - OURS.keys() == set(LATER)
    assert OURS.keys() - PUBLISHED.keys() == set()


@pytest.mark.parametrize('name', sorted(OURS.keys() & PUBLISHED.keys()))
def test_a_rule_has_its_published_default_and_scope(name):
    listed = {rule.name: rule for rule in LISTED}
    assert OURS[name].check == PUBLISHED[name]['default_check']
    assert ','.join(listed[name].scope_types or ()) == PUBLISHED[name]['scope_types']


LISTED = routes.list_rules()


def test_all_rules_have_the_projects_scope():
    assert SCOPE_TYPES == ('project',)


@pytest.mark.parametrize('pair', GUARDED, ids=lambda pair: f'{pair[0].name} {pair[0].since}')
def test_a_call_is_open_to_whom_it_is_published_to_be(pair, reaches):
    entry, call = pair
    access = call.access.partition(' (')[0]
    if access == 'as /servers':
        twin = CALLS[call.method, call.key[1].replace('/os-volumes_boot', '/servers'), call.action]
        access = twin.access
    if call.name in FINER:
        assert entry.policy is None or entry.policy.name in call.rules
        return
    if entry.policy and call.rules:
        assert entry.policy.name in call.rules
    assert {token for token in EVERYBODY if reaches(entry, token)} == MAY[access]


@pytest.mark.parametrize('entry', [entry for entry in TABLE if entry.policy], ids=lambda entry: entry.name)
def test_a_token_for_the_system_is_out_of_scope(entry, reaches):
    assert not reaches(entry, 'system')
