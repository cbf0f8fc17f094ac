"""From bytes to bytes: versions, faults, ids, limits, policy."""

import types

import pytest
import webob
from oslo_config import cfg

from nova import errors
from nova.api import app
from nova.api.microversions import MAX
from nova.api.policy import admin, project_member, project_reader
from nova.api.request import Answer
from nova.api.resources import versions
from nova.api.routes import route
from nova.api.schema import NAME, NULL, QUERY_NUMBER, Body, Field, Query
from nova.api.services import Services, Settings
from nova.db.engine import Databases
from tests.fakes.identity import FakeIdentity

THING = Body('thing', Field('name', NAME, required=True))
GO = Body('go', inner=NULL)


@route('GET', '/things', policy=project_reader('os:things:list'), query=Query(Field('limit', QUERY_NUMBER)))
def listing(request):
    limit, marker = request.page()
    return {'limit': limit, 'marker': marker, 'params': dict(request.params)}


@route('POST', '/things', policy=project_member('os:things:create'), body=THING, status=202, since='2.3')
def create(request):
    return {'thing': request.body}


@route('GET', '/things/detail', policy=project_reader('os:things:list'), until='2.9')
def old_detail(request):
    return {'detail': 'old'}


@route('GET', '/things/detail', policy=project_reader('os:things:list'), since='2.10')
def new_detail(request):
    return {'detail': 'new'}


@route('GET', '/things/{thing_id}', policy=project_reader('os:things:show'))
def show(request, thing_id):
    return {'thing': {'id': thing_id, 'links': request.links('things', thing_id)}}


@route('POST', '/things/{thing_id}/action', action='go', policy=admin('os:things:go'), body=GO, status=202)
def go(request, thing_id):
    return Answer(headers=(('Location', request.url('things', thing_id)),))


@route('GET', '/fail/{kind}', policy=None)
def fail(request, kind):
    raise {'bug': ZeroDivisionError('secret detail')}.get(kind) or getattr(errors, kind)('It is so.')


MODULE = types.ModuleType(__name__)
MODULE.__dict__.update(globals())


@pytest.fixture(scope='module')
def call():
    return caller()


def caller(**settings):
    """Calls an application with these settings."""
    conf = cfg.ConfigOpts()
    conf([], default_config_files=[])
    services = Services(Databases(None), settings=Settings(max_limit=100, max_body_bytes=200, **settings))
    application = app.build_with(services, None, FakeIdentity().wrap, conf, [MODULE, versions])

    def send(method, path, version=None, body=None, token='member', **headers):
        asked = webob.Request.blank(path, method=method)
        if token:
            asked.headers['X-Auth-Token'] = token
        if version:
            asked.headers['OpenStack-API-Version'] = f'compute {version}'
        asked.headers.update({name.replace('_', '-'): value for name, value in headers.items()})
        if isinstance(body, bytes):
            asked.body = body
        elif body is not None:
            asked.json_body = body
        return asked.get_response(application)

    return send


@pytest.mark.parametrize(
    ('headers', 'spoken'),
    [
        ({}, '2.1'),
        ({'OpenStack-API-Version': 'compute 2.37'}, '2.37'),
        ({'OpenStack-API-Version': 'volume 3.1, compute 2.37'}, '2.37'),
        ({'OpenStack-API-Version': 'volume 3.1'}, '2.1'),
        ({'OpenStack-API-Version': 'compute latest'}, str(MAX)),
        ({'X-OpenStack-Nova-API-Version': '2.7'}, '2.7'),
        ({'X-OpenStack-Nova-API-Version': '2.7', 'OpenStack-API-Version': 'compute 2.8'}, '2.8'),
        ({'X-OpenStack-Nova-API-Version': 'latest'}, str(MAX)),
    ],
)
def test_the_version_is_negotiated_by_both_headers_and_answered_by_both(call, headers, spoken):
    answer = call('GET', '/v2.1/things/1', **{name.replace('-', '_'): value for name, value in headers.items()})
    assert answer.status_int == 200
    assert answer.headers['OpenStack-API-Version'] == f'compute {spoken}'
    assert answer.headers['X-OpenStack-Nova-API-Version'] == spoken
    assert set(answer.headers.getall('Vary')) == {'OpenStack-API-Version', 'X-OpenStack-Nova-API-Version'}


@pytest.mark.parametrize(
    ('version', 'status'),
    [('2.0', 406), ('3.1', 406), ('2.9999', 406), ('2', 400), ('2.x', 400), ('2.01', 400), ('-2.1', 400), ('two', 400)],
)
def test_a_version_that_is_none_is_refused(call, version, status):
    answer = call('GET', '/v2.1/things/1', version)
    assert answer.status_int == status
    assert next(iter(answer.json.values()))['code'] == status


@pytest.mark.parametrize(('version', 'which'), [('2.9', 'old'), ('2.10', 'new'), ('latest', 'new')])
def test_a_behaviour_that_changed_has_a_handler_for_each_range(call, version, which):
    assert call('GET', '/v2.1/things/detail', version).json == {'detail': which}


@pytest.mark.parametrize(
    ('method', 'path', 'version', 'body', 'status', 'name'),
    [
        ('GET', '/v2.1/nothing', None, None, 404, 'itemNotFound'),
        ('GET', '/v3/things', None, None, 404, 'itemNotFound'),
        ('GET', '/v2.1/demo/things/1/2/3', None, None, 404, 'itemNotFound'),
        ('DELETE', '/v2.1/things', None, None, 405, 'badMethod'),
        ('POST', '/v2.1/things', '2.2', {'thing': {'name': 'x'}}, 404, 'itemNotFound'),
        ('POST', '/v2.1/things', '2.3', {'thing': {'name': ''}}, 400, 'badRequest'),
        ('POST', '/v2.1/things', '2.3', None, 400, 'badRequest'),
        ('POST', '/v2.1/things', '2.3', b'{', 400, 'badRequest'),
        ('POST', '/v2.1/things', '2.3', b'\xff\xfe', 400, 'badRequest'),
        ('POST', '/v2.1/things', '2.3', b'[' * 150, 400, 'badRequest'),
        ('POST', '/v2.1/things', '2.3', b'{"thing": {"name": NaN}}', 400, 'badRequest'),
        ('POST', '/v2.1/things', '2.3', b' ' * 201, 413, 'overLimit'),
        ('POST', '/v2.1/things/1/action', None, {'stay': None}, 400, 'badRequest'),
        ('POST', '/v2.1/things/1/action', None, [], 400, 'badRequest'),
        ('POST', '/v2.1/things/1/action', None, {'go': None}, 403, 'forbidden'),
        ('GET', '/v2.1/stranger/things/1', None, None, 400, 'badRequest'),
        ('GET', '/v2.1/things?limit=x', None, None, 400, 'badRequest'),
        ('GET', '/v2.1/things?limit=%ff', None, None, 400, 'badRequest'),
    ],
)
def test_what_is_wrong_gets_a_fault_of_the_known_form(call, method, path, version, body, status, name):
    answer = call(method, path, version, body)
    assert answer.status_int == status
    assert answer.content_type == 'application/json'
    assert set(answer.json) == {name}
    assert answer.json[name]['code'] == status
    assert answer.json[name]['message']


@pytest.mark.parametrize(
    ('kind', 'status', 'name'),
    [
        ('NotFound', 404, 'itemNotFound'),
        ('Conflict', 409, 'conflictingRequest'),
        ('Invalid', 400, 'badRequest'),
        ('Forbidden', 403, 'forbidden'),
        ('OverQuota', 403, 'forbidden'),
        ('NoRoom', 400, 'badRequest'),
        ('ImageUnacceptable', 400, 'badRequest'),
        ('NotImplementedHere', 501, 'notImplemented'),
        ('HostFailed', 503, 'serviceUnavailable'),
        ('ServiceDown', 503, 'serviceUnavailable'),
        ('bug', 500, 'computeFault'),
    ],
)
def test_each_error_has_its_number_and_only_refusals_their_text(call, kind, status, name):
    answer = call('GET', f'/v2.1/fail/{kind}')
    fault = answer.json[name]
    assert (answer.status_int, fault['code']) == (status, status)
    assert (fault['message'] == 'It is so.') == (status not in (500, 503))
    assert 'secret detail' not in answer.text
    assert ('Retry-After' in answer.headers) == (status == 503)


def test_administrators_are_told_what_is_away(call):
    assert call('GET', '/v2.1/fail/ServiceDown', token='admin').json['serviceUnavailable']['message'] == 'It is so.'


def test_a_body_that_is_no_json_by_its_type_is_refused(call):
    answer = call('POST', '/v2.1/things', '2.3', b'name=x', Content_Type='application/x-www-form-urlencoded')
    assert (answer.status_int, set(answer.json)) == (415, {'badMediaType'})


def test_405_names_what_is_allowed(call):
    assert call('DELETE', '/v2.1/things').headers['Allow'] == 'GET, POST'


def test_every_answer_has_a_request_id_of_its_own(call):
    answers = [
        call('GET', '/v2.1/things/1'),
        call('GET', '/v2.1/nothing'),
        call('GET', '/'),
        call('GET', '/x', token=''),
    ]
    ids = [answer.headers['X-Openstack-Request-Id'] for answer in answers]
    assert ids == [answer.headers['X-Compute-Request-Id'] for answer in answers]
    assert len(set(ids)) == len(ids)
    assert all(found.startswith('req-') for found in ids)


@pytest.mark.parametrize('token', ['', 'unknown'])
def test_nobody_without_a_token(call, token):
    assert call('GET', '/v2.1/things/1', token=token).status_int == 401


def test_a_caller_cannot_say_who_they_are(call):
    answer = call('GET', '/v2.1/things', token='', X_User_Id='admin', X_Roles='admin', X_Identity_Status='Confirmed')
    assert answer.status_int == 401


@pytest.mark.parametrize(
    ('path', 'own', 'bookmark'),
    [
        ('/v2.1/things/1', 'http://localhost/v2.1/things/1', 'http://localhost/things/1'),
        ('/v2.1/demo/things/1', 'http://localhost/v2.1/demo/things/1', 'http://localhost/demo/things/1'),
        ('/v2/demo/things/1', 'http://localhost/v2/demo/things/1', 'http://localhost/demo/things/1'),
        ('/v2.1/things/1/', 'http://localhost/v2.1/things/1', 'http://localhost/things/1'),
        ('/v2.1/things/a%20b', 'http://localhost/v2.1/things/a%20b', 'http://localhost/things/a%20b'),
    ],
)
def test_links_keep_the_version_and_the_project_of_the_request(call, path, own, bookmark):
    links = call('GET', path).json['thing']['links']
    assert links == [{'rel': 'self', 'href': own}, {'rel': 'bookmark', 'href': bookmark}]


def test_the_old_api_has_no_versions_and_lets_unknown_fields_through(call):
    answer = call('GET', '/v2/demo/things/1', 'nonsense')
    assert answer.status_int == 200
    assert 'OpenStack-API-Version' not in answer.headers
    assert call('POST', '/v2/demo/things', '2.3', {'thing': {'name': 'x'}}).status_int == 404


def test_an_answer_may_add_headers_and_have_no_body(call):
    answer = call('POST', '/v2.1/things/1/action', None, {'go': None}, token='admin')
    assert (answer.status_int, answer.body) == (202, b'')
    assert answer.headers['Location'] == 'http://localhost/v2.1/things/1'


@pytest.mark.parametrize(('query', 'limit'), [('', 100), ('?limit=7', 7), ('?limit=5000', 100), ('?limit=0', 0)])
def test_a_page_is_not_longer_than_the_operator_allows(call, query, limit):
    assert call('GET', f'/v2.1/things{query}').json['limit'] == limit


@pytest.mark.parametrize(
    ('token', 'path', 'status'),
    [
        ('reader', '/v2.1/things/1', 200),
        ('roleless', '/v2.1/things/1', 403),
        ('service', '/v2.1/things/1', 403),
        ('system', '/v2.1/things/1', 403),
        ('admin', '/v2.1/things/1', 200),
    ],
)
def test_the_routes_rule_holds(call, token, path, status):
    assert call('GET', path, token=token).status_int == status


def test_documents_of_versions_need_no_token(call):
    listed = call('GET', '/', token='')
    assert listed.status_int == 300
    assert [entry['version'] for entry in listed.json['versions']] == ['', str(MAX)]
    for path in ('/v2.1', '/v2.1/'):
        document = call('GET', path, token='').json['version']
        assert (document['id'], document['version'], document['min_version']) == ('v2.1', str(MAX), '2.1')
    assert call('GET', '/v2/', token='').json['version']['id'] == 'v2.0'


def test_documents_are_given_to_who_asks_for_them_by_id_or_under_a_project(call):
    for path, name in (('/v2.1/versions/v2.1', 'v2.1'), ('/v2.1/versions/v2.0', 'v2.0'), ('/v2/versions/v2.1', 'v2.1')):
        assert call('GET', path).json['version']['id'] == name
    assert call('GET', '/v2.1/demo').json['version']['id'] == 'v2.1'
    assert call('GET', '/v2.1/demo/').json['version']['id'] == 'v2.1'
    assert call('GET', '/v2/demo').json['version']['id'] == 'v2.0'
    assert call('GET', '/v2.1/versions/v3').status_int == 404
    assert call('GET', '/v2.1/other').status_int == 404
    assert call('GET', '/v2.1/versions/v2.1', token='').status_int == 401


@pytest.mark.parametrize('path', ['/', '/versions', '/v2', '/v2.1/', '/openapi.json'])
def test_documents_are_only_read(call, path):
    answer = call('POST', path, body={})
    assert (answer.status_int, answer.headers['Allow']) == (405, 'GET, HEAD')


@pytest.mark.parametrize('path', ['/', '/v2.1', '/v2.1/things/1', '/v2.1/nothing', '/openapi.json'])
def test_head_is_get_without_a_body(call, path):
    asked, told = call('HEAD', path), call('GET', path)
    assert (asked.status_int, asked.body) == (told.status_int, b'')
    assert asked.headers['Content-Length'] == told.headers['Content-Length']


def test_a_version_that_is_not_spoken_is_told_the_range(call):
    answer = call('GET', '/v2.1/things/1', '2.9999')
    assert answer.json['computeFault'] == {
        'code': 406,
        'message': f'Version 2.9999 is not supported by the API. Minimum is 2.1 and maximum is {MAX}.',
    }


@pytest.mark.parametrize('path', ['/v2.1/things/%ff', '/v2.1/%c3%28/x', '/%ff', '/v2.1/things/%00', '/v2.1//things'])
def test_a_path_that_is_no_text_leads_nowhere(call, path):
    assert call('GET', path).status_int in (200, 404)


def hrefs(call, **headers):
    """Where an answer, and the document of the version, say that they are."""
    thing = call('GET', '/v2.1/things/1', **headers).json['thing']
    (listed, *_), (shown, *_) = (
        document['links']
        for document in (
            call('GET', '/', token='', **headers).json['versions'][1],
            call('GET', '/v2.1/', token='', **headers).json['version'],
        )
    )
    assert listed == shown
    return thing['links'][0]['href'], shown['href']


def test_links_begin_as_the_operator_says():
    behind = caller(compute_link_prefix='https://cloud.test/compute/')
    assert hrefs(behind) == ('https://cloud.test/compute/v2.1/things/1', 'https://cloud.test/compute/v2.1/')


@pytest.mark.parametrize(
    ('headers', 'base'),
    [
        ({}, 'http://localhost'),
        ({'X_Forwarded_Proto': 'https'}, 'https://localhost'),
        ({'X_Forwarded_Proto': 'https, http', 'X_Forwarded_Host': 'cloud.test, inner'}, 'https://cloud.test'),
        ({'X_Forwarded_Proto': 'https', 'X_Forwarded_Host': 'cloud.test:8774'}, 'https://cloud.test:8774'),
        ({'X_Forwarded_Proto': 'HTTPS', 'X_Forwarded_Prefix': '/compute/'}, 'https://localhost/compute'),
        ({'X_Forwarded_Proto': 'javascript'}, 'http://localhost'),
        ({'Forwarded': 'for=1.2.3.4;proto=https;host="cloud.test", proto=http'}, 'https://cloud.test'),
        ({'Forwarded': 'Proto=https', 'X_Forwarded_Host': 'not.looked.at'}, 'https://localhost'),
        ({'Forwarded': ';;=,,'}, 'http://localhost'),
    ],
)
def test_links_begin_as_a_proxy_in_front_says(headers, base):
    assert hrefs(caller(behind_proxy=True), Host='localhost', **headers) == (f'{base}/v2.1/things/1', f'{base}/v2.1/')


def test_only_a_proxy_that_the_operator_told_of_is_believed(call):
    said = {'X_Forwarded_Proto': 'https', 'X_Forwarded_Host': 'evil.test', 'Forwarded': 'host=evil.test'}
    assert hrefs(call, **said) == ('http://localhost/v2.1/things/1', 'http://localhost/v2.1/')
