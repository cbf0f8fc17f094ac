"""Rules that hold for every call of the API, whichever resource declares it."""

import inspect
import json
import re

import pytest
import webob
from oslo_config import cfg

from nova.api import app, routes
from nova.api.microversions import MAX, MIN, Version
from nova.api.policy import PERSONAS
from nova.api.services import Services
from nova.db.database import Statements
from tests.fakes.identity import FakeIdentity
from tests.published import DIRECTORY, sample

TABLE = routes.collect()
NAMES = [f'{entry.name} {entry.since}-{entry.until}' for entry in TABLE]
# Who is one step short of what a rule asks for.
SHORT = {
    'rule:context_is_admin': 'manager',
    'rule:project_manager_or_admin': 'member',
    'rule:project_member_or_admin': 'reader',
    'rule:project_reader_or_admin': 'roleless',
    'rule:service_or_admin': 'manager',
    '!': 'admin',
}
# The document of the version needs no token, and another project's URL leads to none.
IN_PROJECTS = [entry for entry in TABLE if entry.path != '/']
GUARDED = [entry for entry in TABLE if entry.policy and entry.policy.check in SHORT]
WITH_BODY = [entry for entry in TABLE if entry.body is not None and entry.body.at(MAX).get('type') == 'object']


class Beyond:
    """Stands behind the API: no call that is refused may reach it. That statements are counted is all it allows."""

    statements = Statements()

    def __getattr__(self, name):
        raise AssertionError(f'A request that should have been refused went on to `{name}`.')


@pytest.fixture(scope='module')
def send():
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[])
    application = app.build_with(Services(Beyond(), flavors=Beyond()), None, FakeIdentity().wrap, conf)

    def call(entry, token='admin', body=None, project=''):
        path = re.sub(r'\{\w+\}', '00000000-0000-4000-8000-000000000001', entry.path)
        asked = webob.Request.blank(f'/v2.1{project}{path}', method=entry.method)
        asked.headers['OpenStack-API-Version'] = f'compute {min(entry.until, MAX)}'
        if token:
            asked.headers['X-Auth-Token'] = token
        if body is None and entry.action:
            body = {entry.action: None}
        if body is not None:
            asked.content_type, asked.body = 'application/json', json.dumps(body).encode()
        return asked.get_response(application)

    return call


def test_there_are_routes():
    assert len(TABLE) > 50


@pytest.mark.parametrize('entry', IN_PROJECTS, ids=lambda entry: f'{entry.name} {entry.since}')
def test_a_call_without_a_token_is_401(send, entry):
    assert send(entry, token='').status_int == 401


@pytest.mark.parametrize('entry', GUARDED, ids=lambda entry: entry.name)
def test_a_call_by_who_lacks_the_role_is_403_and_names_the_rule(send, entry):
    answer = send(entry, token=SHORT[entry.policy.check])
    assert answer.status_int == 403
    assert entry.policy.name in answer.json['forbidden']['message']


@pytest.mark.parametrize('entry', IN_PROJECTS, ids=lambda entry: f'{entry.name} {entry.since}')
def test_a_call_to_the_url_of_another_project_is_400(send, entry):
    answer = send(entry, token='member', project='/0123456789abcdef0123456789abcdef')
    assert answer.status_int == 400
    assert "doesn't match" in answer.json['badRequest']['message']


@pytest.mark.parametrize('entry', WITH_BODY, ids=lambda entry: f'{entry.name} {entry.since}')
def test_an_unknown_field_is_refused(send, entry):
    schema = entry.body.at(min(entry.until, MAX))
    if not _refuses_unknown(schema, entry.body.wrapper):
        pytest.skip('Unknown fields were let through up to the last version of this call.')
    # Not even where users choose names may one have a slash.
    body = {'nonsense/of/a test': None}
    if entry.body.wrapper:
        body = {entry.body.wrapper: body}
    answer = send(entry, body=body)
    assert answer.status_int == 400, answer.text


@pytest.mark.parametrize('entry', TABLE, ids=NAMES)
def test_a_handler_takes_the_request_and_the_parts_of_its_path(entry):
    parts = re.findall(r'\{(\w+)\}', entry.path)
    assert list(inspect.signature(entry.handler).parameters) == ['request', *parts]


@pytest.mark.parametrize('entry', TABLE, ids=NAMES)
def test_versions_are_ones_we_speak(entry):
    assert MIN <= entry.since <= entry.until <= MAX


def test_two_handlers_never_answer_the_same_call_at_one_version():
    seen = {}
    for entry in TABLE:
        for other in seen.setdefault((entry.method, _shape(entry.path), entry.action), []):
            assert entry.since > other.until or other.since > entry.until, f'{entry.name} is declared twice'
        seen[entry.method, _shape(entry.path), entry.action].append(entry)


@pytest.mark.parametrize('entry', [entry for entry in TABLE if entry.samples], ids=lambda entry: entry.name)
def test_samples_are_there_and_belong_to_the_calls_versions(entry):
    for name in entry.samples:
        assert (DIRECTORY / name).is_file(), name
        found = re.search(r'/v(2\.\d+)/', name)
        if found:
            assert Version.parse(found[1]) <= entry.until
        assert sample(name) is not None


def test_rules_are_named_as_published_and_declared_once():
    rules = routes.rules(TABLE)
    assert all(re.match(r'(os_compute_api|compute|network):', rule.name) for rule in rules)
    by_name = {}
    for module in routes.resource_modules():
        for value in vars(module).values():
            if type(value).__name__ == 'Rule':
                assert by_name.setdefault(value.name, value.check) == value.check


def test_the_sample_of_the_policy_file_knows_every_rule():
    listed = {rule.name for rule in routes.list_rules()}
    assert listed == {rule.name for rule in [*routes.rules(TABLE), *PERSONAS]}


def test_paths_are_found_whichever_parameters_they_have():
    router = routes.Router(TABLE)
    for entry in TABLE:
        found, arguments = router.find(entry.method, re.sub(r'\{\w+\}', 'x-1', entry.path))
        assert entry in found
        assert set(arguments) == set(re.findall(r'\{(\w+)\}', entry.path))


def _shape(path):
    return re.sub(r'\{\w+\}', '{}', path)


def _refuses_unknown(schema, wrapper):
    inner = schema['properties'].get(wrapper, {}) if wrapper else schema
    kinds = inner.get('type')
    return inner.get('additionalProperties') is False or 'object' not in (kinds if isinstance(kinds, list) else [kinds])
