"""Guests are told about themselves, and nobody else is."""

import dataclasses
import json

import pytest
import webob

from nova import errors
from nova.api.metadata import identify
from nova.api.metadata.app import Cached, MetadataService
from nova.domain.flavor import Flavor
from nova.domain.guest_data import Site
from nova.domain.lifecycle import State
from nova.domain.server import Server

SECRET = 'sesame'
SERVER = Server(
    id='d8e02d56-2648-49a3-bf97-6be8f1204f38',
    name='test',
    hostname='test',
    project_id='project-1',
    user_id='user-1',
    flavor=Flavor('1', 'm1.tiny', 1, 512, 1),
    state=State.ACTIVE,
    number=1,
    user_data='aGVsbG8=',
)
SIGNED = {
    'X-Instance-ID': SERVER.id,
    'X-Tenant-ID': SERVER.project_id,
    'X-Instance-ID-Signature': identify.signature(SECRET, SERVER.id),
}


class Servers:
    """Servers in a dict; counts how often it is asked."""

    def __init__(self, *servers):
        self.kept = {server.id: server for server in servers}
        self.asked = 0
        self.away = False

    def find(self, server_id):
        self.asked += 1
        if self.away:
            raise errors.ServiceDown('The database does not answer.')
        return self.kept.get(server_id)

    def save_password(self, server, password):
        if self.kept[server.id].system_metadata.get('password'):
            return False
        self.kept[server.id] = dataclasses.replace(server, system_metadata={'password': password})
        return True


@pytest.fixture
def servers():
    return Servers(SERVER)


@pytest.fixture
def app(servers):
    cached = Cached(servers.find, age=15, clock=lambda: 100.0)
    return MetadataService(
        identify.BySignature(cached, SECRET), Site('novalocal'), servers.save_password, cached.forget
    )


def get(app, path, headers=SIGNED, **environ):
    return webob.Request.blank(path, headers=headers, **environ).get_response(app)


def test_a_signed_request_is_answered(app):
    answer = get(app, '/openstack/latest/meta_data.json')
    assert answer.status_int == 200
    assert answer.content_type == 'application/json'
    assert json.loads(answer.body)['uuid'] == SERVER.id
    assert get(app, '/openstack/latest/user_data').body == b'hello'
    assert get(app, '/latest/meta-data/hostname').text == 'test.novalocal'


@pytest.mark.parametrize(
    ('changed', 'status', 'text'),
    [
        ({'X-Instance-ID': None}, 400, 'X-Instance-ID header is missing from request.'),
        ({'X-Tenant-ID': None}, 400, 'X-Tenant-ID header is missing from request.'),
        ({'X-Instance-ID': 'a,b'}, 400, 'Multiple X-Instance-ID headers found within request.'),
        ({'X-Instance-ID-Signature': None}, 403, 'Invalid proxy request signature.'),
        ({'X-Instance-ID-Signature': 'x' * 64}, 403, 'Invalid proxy request signature.'),
        ({'X-Instance-ID-Signature': 'ü'}, 403, 'Invalid proxy request signature.'),
        ({'X-Instance-ID': 'another'}, 403, 'Invalid proxy request signature.'),
        ({'X-Tenant-ID': 'project-2'}, 404, 'There is no such server.'),
    ],
)
def test_others_are_turned_away(app, changed, status, text):
    headers = {name: value for name, value in (SIGNED | changed).items() if value is not None}
    answer = get(app, '/openstack/latest/meta_data.json', headers)
    assert (answer.status_int, answer.text) == (status, text)


def test_a_server_that_is_gone_is_not_found(app):
    gone = '11111111-1111-1111-1111-111111111111'
    headers = SIGNED | {'X-Instance-ID': gone, 'X-Instance-ID-Signature': identify.signature(SECRET, gone)}
    assert get(app, '/openstack/latest/meta_data.json', headers).status_int == 404


def test_a_path_that_leads_nowhere_is_not_found(app):
    assert get(app, '/openstack/latest/secrets').status_int == 404
    assert get(app, '/openstack/latest/../../etc/passwd').status_int == 404


def test_the_list_of_versions_needs_no_identity(app, servers):
    assert get(app, '/', {}).text.split('\n')[-2:] == ['2009-04-04', 'latest']
    assert servers.asked == 0


@pytest.mark.parametrize('method', ['PUT', 'DELETE', 'PATCH'])
def test_nothing_can_be_changed(app, method):
    assert get(app, '/openstack/latest/meta_data.json', method=method).status_int == 405


def test_a_burst_of_requests_asks_the_database_once(app, servers):
    for _number in range(10):
        get(app, '/latest/meta-data/hostname')
    assert servers.asked == 1


def test_what_is_remembered_grows_old(servers):
    now = [0.0]
    cached = Cached(servers.find, age=15, clock=lambda: now[0])
    cached(SERVER.id)
    now[0] = 14.9
    cached(SERVER.id)
    assert servers.asked == 1
    now[0] = 15.1
    cached(SERVER.id)
    assert servers.asked == 2


def test_servers_that_do_not_exist_are_not_remembered(servers):
    cached = Cached(servers.find, age=15)
    assert cached('late') is None
    servers.kept['late'] = SERVER
    assert cached('late') is SERVER


def test_a_database_that_is_away_is_said_so(app, servers):
    servers.away = True
    answer = get(app, '/openstack/latest/meta_data.json')
    assert answer.status_int == 503
    assert 'does not answer' not in answer.text


def test_a_guest_is_known_by_its_address(servers):
    app = MetadataService(
        identify.ByAddress(servers.find, {'10.0.0.5': SERVER.id}.get), Site('novalocal'), servers.save_password
    )
    assert get(app, '/latest/meta-data/hostname', {}, remote_addr='10.0.0.5').text == 'test.novalocal'
    assert get(app, '/latest/meta-data/hostname', SIGNED, remote_addr='10.0.0.6').status_int == 404


def test_a_guest_sets_its_password_once(app):
    posted = get(app, '/openstack/latest/password', method='POST', body=b'c2VjcmV0')
    assert posted.status_int == 200
    assert get(app, '/openstack/latest/password').text == 'c2VjcmV0'
    assert get(app, '/openstack/latest/password', method='POST', body=b'YWdhaW4=').status_int == 409


@pytest.mark.parametrize(
    ('path', 'body', 'status'),
    [
        ('/openstack/latest/password', b'x' * 1025, 400),
        ('/openstack/latest/password', 'schön'.encode(), 400),
        ('/openstack/latest/meta_data.json', b'{}', 405),
    ],
)
def test_what_is_no_password_is_refused(app, path, body, status):
    assert get(app, path, method='POST', body=body).status_int == status


@pytest.mark.parametrize(
    ('path', 'times'),
    [
        ('/openstack/latest/vendor_data2.json', 1),
        ('/openstack/2016-10-06/vendor_data2.json/', 1),
        ('/openstack/latest/vendor_data.json', 0),
        ('/openstack/latest/meta_data.json', 0),
        ('/openstack/latest', 0),
    ],
)
def test_other_services_are_asked_only_for_what_shows_their_answers(servers, path, times):
    asked = []

    def vendor(site, server):
        asked.append(server.id)
        return dataclasses.replace(site, vendor_data2={'join': {'key': 'value'}})

    by_signature = identify.BySignature(servers.find, SECRET)
    app = MetadataService(by_signature, Site('novalocal'), servers.save_password, vendor=vendor)
    answer = get(app, path)
    assert answer.status_int == 200
    assert asked == [SERVER.id] * times
    assert ('join' in answer.text) == bool(times)


def test_a_service_that_must_answer_and_does_not_is_said_so(servers):
    def vendor(site, server):
        raise errors.ServiceDown('join does not answer.')

    by_signature = identify.BySignature(servers.find, SECRET)
    app = MetadataService(by_signature, Site('novalocal'), servers.save_password, vendor=vendor)
    assert get(app, '/openstack/latest/vendor_data2.json').status_int == 503
    assert get(app, '/openstack/latest/meta_data.json').status_int == 200
