"""Requests that are wrong, to every call at every version that changed it: refused by name, and never a failure of ours."""

import dataclasses
import json
import re

import jsonschema
import pytest
import webob
from oslo_config import cfg

from nova.api import app, routes
from nova.api.microversions import MAX, Version
from nova.api.schema import FORMATS
from nova.clients.image import ImageClient
from nova.clients.placement import PlacementClient
from nova.clients.volume import VolumeClient
from tests.fakes.identity import FakeIdentity
from tests.fakes.image import FakeGlance
from tests.fakes.placement import FakePlacement
from tests.fakes.volume import FakeCinder
from tests.functional.samples import index
from tests.unit.api.cloud import Cloud
from tests.unit.api.servers.world import make_template

TABLE = routes.collect()
WITH_FIELDS = [entry for entry in TABLE if entry.body is not None and entry.body.inner is None and entry.body.fields]
OF_A_SERVER = [entry for entry in TABLE if '{server_id}' in entry.path and entry.policy]
UNKNOWN = 'nonsense/of a test'
# One of each kind of value, for fields that take another.
VALUES = {
    'object': {UNKNOWN: [{}]},
    'array': [[{UNKNOWN: 1}]],
    'string': '\x00',
    'number': 1.5,
    'boolean': True,
    'null': None,
}
# What a body may be instead of what it should be.
ODD = (None, [], {}, 'text', 7, {UNKNOWN: {}}, {'\ud800': 1}, {'a': {'a': {'a': [[[]]]}}})
# Ids of things that are not there, and odd ones.
IDS = ('00000000-0000-4000-8000-00000000ffff', 'x', '-1', '9' * 40, '%00', 'gr%C3%BCn', '%ff')
SHORT_OF_TIME = (501, 503)


@pytest.fixture(scope='module')
def cloud(tmp_path_factory):
    """A cloud with one server, whose id is `target`; requests change it as they like."""
    directory = tmp_path_factory.mktemp('cloud')
    made = Cloud(directory, make_template(tmp_path_factory.mktemp('template')))
    glance, cinder = FakeGlance(), FakeCinder()
    services = dataclasses.replace(
        made.services,
        images=ImageClient(glance, for_user=glance.acting_for),
        volumes=VolumeClient(cinder.acting_for),
        placement=PlacementClient(FakePlacement()),
    )
    conf = cfg.ConfigOpts()
    conf([], project='nova-tests', default_config_files=[])
    made.app = app.build_with(services, None, FakeIdentity().wrap, conf)
    made.host_reports()
    made.target = made.server().id
    yield made
    made.databases.close()


def send(cloud, entry, body=None, token='admin', version=None, path_id='x', query='', legacy=False):
    parts = {'server_id': cloud.target, 'key': 'foo'} if path_id == 'x' else {}
    path = re.sub(r'\{(\w+)\}', lambda found: parts.get(found[1], path_id), entry.path)
    asked = webob.Request.blank(f'/{"v2" if legacy else "v2.1"}{path}{query}', method=entry.method)
    asked.headers.update({'X-Auth-Token': token, 'OpenStack-API-Version': f'compute {version or last(entry)}'})
    if body is not None:
        asked.content_type, asked.body = 'application/json', json.dumps(body).encode()
    return asked.get_response(cloud.app)


def last(entry):
    return min(entry.until, MAX)


def boundaries(entry):
    """The versions of a call at which what it takes changes: the first of each range, and the last of all."""
    fields = [*(entry.body.fields if entry.body else ()), *(entry.body.beside if entry.body else ())]
    fields += entry.query.fields if entry.query else ()
    found = {entry.since, last(entry)} | {Version.parse(field.since) for field in fields}
    for until in (Version.parse(field.until) for field in fields if field.until):
        found.add(until._replace(minor=until.minor + 1))
    return sorted(version for version in found if entry.at(version))


def wrapped(entry, inner):
    return inner if entry.body.wrapper is None else {entry.body.wrapper: inner}


def errors_at(entry, version, body, name):
    """What the schema has against the field."""
    validator = jsonschema.Draft202012Validator(entry.body.at(version), format_checker=FORMATS)
    return [error for error in _leaves(validator.iter_errors(body)) if name in error.absolute_path]


def _leaves(errors):
    for error in errors:
        yield error
        yield from _leaves(error.context or ())


def wrong_values(schema):
    """Values of a type that the schema does not know, and a text that is too long."""
    kinds = schema.get('type')
    if kinds is not None:
        kinds = {kinds} if isinstance(kinds, str) else set(kinds)
        kinds |= {'number'} if 'integer' in kinds else set()
        yield from (value for kind, value in VALUES.items() if kind not in kinds)
        if 'maxLength' in schema and 'string' in kinds:
            yield 'x' * (schema['maxLength'] + 1)


@pytest.mark.parametrize('entry', WITH_FIELDS, ids=lambda entry: f'{entry.name} {entry.since}')
def test_a_field_of_a_wrong_type_or_length_is_refused_at_each_version(cloud, entry):
    for version in boundaries(entry):
        for field in entry.body.fields:
            for value in wrong_values(field.schema) if field.at(version) else ():
                body = wrapped(entry, {field.name: value})
                assert errors_at(entry, version, body, field.name), (version, field.name, value)
                answer = send(cloud, entry, body, version=version)
                assert answer.status_int == 400, (version, body, answer.text)


@pytest.mark.parametrize('entry', WITH_FIELDS, ids=lambda entry: f'{entry.name} {entry.since}')
def test_a_field_of_another_version_is_unknown(cloud, entry):
    for version in boundaries(entry):
        schema = entry.body.at(version)
        inner = schema['properties'][entry.body.wrapper] if entry.body.wrapper else schema
        if inner.get('additionalProperties') is not False or 'patternProperties' in inner:
            continue
        names = {field.name for field in entry.body.fields if not field.at(version)} | {UNKNOWN}
        for name in names - inner['properties'].keys():
            answer = send(cloud, entry, wrapped(entry, {name: 'x'}), version=version)
            assert answer.status_int == 400, (version, name, answer.text)


@pytest.mark.parametrize('entry', TABLE, ids=lambda entry: f'{entry.name} {entry.since}')
def test_no_body_makes_a_call_fail(cloud, entry):
    bodies = list(ODD)
    if entry.action:
        bodies = [{entry.action: body} for body in ODD] + [{entry.action: {}, 'other': 1}]
    elif entry.body is not None and entry.body.wrapper:
        bodies += [{entry.body.wrapper: body} for body in ODD]
    for version in {entry.since, last(entry)} if entry.method != 'GET' else {last(entry)}:
        for body in bodies if entry.body is not None or entry.action else ODD[:2]:
            _refuse_failure(send(cloud, entry, body, version=version), body)
    _refuse_failure(send(cloud, entry, bodies[-1], legacy=True), 'legacy')


@pytest.mark.parametrize('entry', [entry for entry in TABLE if '{' in entry.path], ids=lambda entry: entry.name)
def test_no_id_makes_a_call_fail(cloud, entry):
    body = {entry.action: {}} if entry.action else None
    for path_id in IDS:
        _refuse_failure(send(cloud, entry, body, path_id=path_id), path_id)


@pytest.mark.parametrize('entry', [entry for entry in TABLE if entry.query], ids=lambda entry: entry.name)
def test_no_parameter_makes_a_call_fail(cloud, entry):
    names = [field.name for field in entry.query.fields]
    for value in ('', '-1', 'x', '%00', '9' * 30, '%C3%BC', '[', 'a' * 5000, '2020-99-99T99:99:99Z'):
        for name in (*names, 'nonsense'):
            answer = send(cloud, entry, query=f'?{name}={value}')
            _refuse_failure(answer, (name, value))
    for version in boundaries(entry):
        _refuse_failure(send(cloud, entry, query='?nonsense=1', version=version), version)


@pytest.mark.parametrize('entry', OF_A_SERVER, ids=lambda entry: f'{entry.name} {entry.since}')
def test_a_server_of_another_project_is_not_found(cloud, entry):
    """Who may call it in a project of their own is told that there is no such server; who may not, that they may not."""
    body = _sample_body(entry)
    answer = send(cloud, entry, body, token='stranger')
    if entry.policy.check in ('rule:project_member_or_admin', 'rule:project_reader_or_admin'):
        if body is None and entry.body is not None:
            assert answer.status_int in (400, 404), answer.text
        else:
            assert answer.status_int == 404, answer.text
    else:
        assert answer.status_int == 403, answer.text


def _sample_body(entry):
    """A published request of the call that its last version takes; None if there is none."""
    best = {entry.action: None} if entry.action else None
    for sample in index.samples():
        if sample.kind == 'request' and sample.version <= last(entry) and _is_of(entry, sample):
            text = re.sub(r'%\(\w+\)s', 'x', json.dumps(sample.body))
            if _is_valid(entry, json.loads(text)):
                best = json.loads(text)
    return best if entry.body is None or best is None or _is_valid(entry, best) else None


def _is_of(entry, sample):
    route = re.sub(r'\{\w+\}', '{}', sample.route)
    own = re.sub(r'\{\w+\}', '{}', f'{entry.method} {entry.path}')
    if not route.startswith(own):
        return False
    return entry.action is None or next(iter(sample.body), None) == entry.action


def _is_valid(entry, body):
    if entry.body is None:
        return True
    return jsonschema.Draft202012Validator(entry.body.at(last(entry)), format_checker=FORMATS).is_valid(body)


def _refuse_failure(answer, told):
    assert answer.status_int < 500 or answer.status_int in SHORT_OF_TIME, (told, answer.text)
