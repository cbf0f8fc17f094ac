"""The OpenAPI documents tell all that the route table says, and what is in doc/ is as new as it."""

import dataclasses
import json
import re

import jsonschema
import pytest
import webob
from oslo_config import cfg

from nova.api import app, openapi, routes
from nova.api.microversions import MAX, MIN, Version
from nova.api.services import Services
from nova.db.engine import Databases
from tests.fakes.identity import FakeIdentity
from tools import api_reference

TABLE = routes.collect()
# Where a call begins, ends, or changes what it takes.
BOUNDARIES = sorted(
    {entry.since for entry in TABLE}
    | {entry.until for entry in TABLE}
    | {
        Version.parse(text)
        for entry in TABLE
        for field in (*(entry.body.fields if entry.body else ()), *(entry.query.fields if entry.query else ()))
        for text in (field.since, field.until)
        if text
    }
)
CHECKED = set()


@pytest.fixture(scope='module')
def ask():
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[])
    application = app.build_with(Services(Databases(None)), None, FakeIdentity().wrap, conf)

    def send(path, method='GET', **headers):
        asked = webob.Request.blank(path, method=method)
        asked.headers.update({name.replace('_', '-'): value for name, value in headers.items()})
        return asked.get_response(application)

    return send


def operations(document):
    return [
        (method.upper(), path, operation)
        for path, methods in document['paths'].items()
        for method, operation in methods.items()
    ]


@pytest.mark.parametrize('version', [at for at in BOUNDARIES if at <= MAX], ids=str)
def test_a_document_has_the_calls_of_its_version_and_no_other(version):
    document = openapi.document(TABLE, version)
    told = [
        (method, path, particulars.get('action'))
        for method, path, operation in operations(document)
        for particulars in operation['x-openstack']
    ]
    assert sorted(told, key=str) == sorted(
        ((entry.method, entry.path, entry.action) for entry in TABLE if entry.at(version)), key=str
    )
    ids = [operation['operationId'] for _method, _path, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    for method, path, operation in operations(document):
        _refuse_odd(document, method, path, operation)


def test_everybody_may_read_it_at_any_version(ask):
    newest = ask('/openapi.json', OpenStack_API_Version='compute latest')
    assert newest.status_int == 200
    assert newest.content_type == 'application/json'
    assert newest.json['info']['version'] == str(MAX)
    assert newest.headers['OpenStack-API-Version'] == f'compute {MAX}'
    assert ask('/openapi.json').json['info']['version'] == str(MIN)
    assert ask('/openapi.json?microversion=2.37').json['info']['version'] == '2.37'
    assert ask('/openapi.json', 'HEAD').body == b''
    assert ask('/openapi.json?microversion=2.9999').status_int == 406
    assert ask('/openapi.json?microversion=x').status_int == 400
    assert ask('/openapi.json', 'POST').headers['Allow'] == 'GET, HEAD'


def test_fields_come_and_go_with_their_versions():
    def fields(version):
        document = openapi.document(TABLE, Version.parse(version))
        schema = document['paths']['/servers']['post']['requestBody']['content']['application/json']['schema']
        return set(schema['properties']['server']['properties'])

    assert 'tags' not in fields('2.51')
    assert 'tags' in fields('2.52')
    assert 'personality' in fields('2.56')
    assert 'personality' not in fields('2.57')


def test_the_document_in_doc_is_as_new_as_the_route_table():
    assert api_reference.DOCUMENT.read_text() == api_reference.document(), 'Run tools/api-reference.'


def test_the_page_in_doc_is_as_new_as_the_route_table():
    assert api_reference.PAGE.read_text() == api_reference.page(), 'Run tools/api-reference.'


def test_the_page_has_every_call():
    page = api_reference.page().splitlines()
    for entry in TABLE:
        assert entry.name in page or f'* ``{entry.name}``' in page


def test_answers_have_the_form_of_the_newest_sample_of_their_version():
    samples = {'things/a-resp.json': {'old': 1}, 'things/v2.5/a-resp.json': {'new': [True]}}
    table = [entry for entry in TABLE if entry.path == '/flavors' and entry.method == 'GET'][:1]
    table = [_with_samples(table[0], tuple(samples))]
    for version, name in (('2.4', 'old'), ('2.5', 'new')):
        document = openapi.document(table, Version.parse(version), samples)
        answer = document['paths']['/flavors']['get']['responses']['200']
        assert list(answer['content']['application/json']['schema']['properties']) == [name]


def _with_samples(entry, samples):
    return dataclasses.replace(entry, samples=samples)


def _refuse_odd(document, method, path, operation):
    names = [parameter['name'] for parameter in operation['parameters'] if parameter.get('in') == 'path']
    assert names == re.findall(r'\{(\w+)\}', path)
    schemas = [parameter['schema'] for parameter in operation['parameters'] if 'schema' in parameter]
    if 'requestBody' in operation:
        schemas.append(operation['requestBody']['content']['application/json']['schema'])
    for schema in schemas:
        # Most are the same in many versions.
        if (text := json.dumps(schema, sort_keys=True)) not in CHECKED:
            jsonschema.Draft202012Validator.check_schema(schema)
            CHECKED.add(text)
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(operation)):
        found = document
        for part in reference.split('/'):
            found = found[part]
    assert operation['responses']['default']
    assert {str(told['status']) for told in operation['x-openstack']} <= operation['responses'].keys(), (
        f'{method} {path}'
    )
