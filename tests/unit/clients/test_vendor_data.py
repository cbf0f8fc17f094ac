"""Vendor data: from a file, and from services that are asked about each server."""

import pytest
import requests
import webob
import webob.dec
from keystoneauth1 import session, token_endpoint

import nova.conf
from nova import errors
from nova.clients import vendor_data
from nova.domain.flavor import Flavor
from nova.domain.guest_data import Site
from nova.domain.lifecycle import State
from nova.domain.server import Server
from tests.fakes.wsgi import WsgiTransport

SERVER = Server(
    id='d8e02d56-2648-49a3-bf97-6be8f1204f38',
    name='test',
    hostname='web-1',
    project_id='project-1',
    user_id='user-1',
    flavor=Flavor('1', 'm1.tiny', 1, 512, 1),
    state=State.ACTIVE,
    image_id='70a599e0-31e7-49b7-b260-868f441e862b',
    user_data='aGVsbG8=',
    metadata={'role': 'web'},
)
SITE = Site('novalocal', {'rack': '7'}, {'static': {'rack': '7'}})


def test_vendor_data_comes_from_a_file(tmp_path):
    path = tmp_path / 'vendor.json'
    path.write_text('{"rack": "ä7"}')
    site = vendor_data.site('d', ['StaticJSON'], str(path))
    assert site == Site('d', {'rack': 'ä7'}, {'static': {'rack': 'ä7'}})
    assert vendor_data.site('d', [], str(path)) == Site('d')


@pytest.mark.parametrize('text', ['not json', '[1]', None])
def test_vendor_data_that_cannot_be_read_is_empty(tmp_path, text):
    path = tmp_path / 'vendor.json'
    if text is not None:
        path.write_text(text)
    assert vendor_data.site('d', ['StaticJSON'], str(path)).vendor_data == {}


class Registry:
    """A service that says something of servers; `asked` has the bodies and tokens of the requests."""

    def __init__(self):
        self.asked, self.answer = [], webob.Response(json={'ticket': 'abc'})
        self.transport = WsgiTransport(self.serve)
        plain = requests.Session()
        plain.mount('http://', self.transport)
        self.session = session.Session(token_endpoint.Token('http://registry.test', 'a-token'), plain)

    @webob.dec.wsgify
    def serve(self, request):
        self.asked.append((request.json, request.headers.get('X-Auth-Token')))
        return self.answer

    def add_to(self, site, fatal=False):
        services = vendor_data.Services({'join': 'http://registry.test/v1'}, self.session, (5, 5), fatal=fatal)
        return services(site, SERVER)


@pytest.fixture
def registry():
    return Registry()


def test_a_service_is_told_of_the_server_and_its_answer_stands_under_its_name(registry):
    assert registry.add_to(SITE) == Site(
        'novalocal', {'rack': '7'}, {'static': {'rack': '7'}, 'join': {'ticket': 'abc'}}
    )
    ((told, token),) = registry.asked
    assert token == 'a-token'
    assert told == {
        'project-id': 'project-1',
        'instance-id': SERVER.id,
        'image-id': SERVER.image_id,
        'user-data': 'aGVsbG8=',
        'hostname': 'web-1',
        'metadata': {'role': 'web'},
    }


@pytest.mark.parametrize(
    'answer', [webob.Response(status=500), webob.Response(status=404), webob.Response(text='no JSON')]
)
def test_a_service_that_fails_says_nothing_unless_it_must(registry, answer):
    registry.answer = answer
    assert registry.add_to(SITE).vendor_data2 == {'static': {'rack': '7'}, 'join': {}}
    with pytest.raises(errors.ServiceDown, match='join does not say'):
        registry.add_to(SITE, fatal=True)


def test_a_service_that_is_away_says_nothing(registry):
    registry.transport.failure = requests.ConnectionError('refused')
    assert registry.add_to(SITE).vendor_data2['join'] == {}


def test_a_service_may_have_nothing_to_say(registry):
    registry.answer = webob.Response(body=b'')
    assert registry.add_to(SITE, fatal=True).vendor_data2['join'] == {}


def test_malformed_targets_are_left_out():
    given = ['join@http://a', 'http://b', '@http://c', 'empty@', 'join@http://again', 'at@http://user@d']
    assert vendor_data.targets(given) == {'join': 'http://a', 'at': 'http://user@d'}


@pytest.mark.parametrize(
    ('providers', 'given', 'asks'),
    [
        ('StaticJSON', 'join@http://a', False),
        ('StaticJSON,DynamicJSON', '', False),
        ('DynamicJSON', 'join@http://a', True),
    ],
)
def test_services_are_asked_if_the_operator_names_them(tmp_path, providers, given, asks):
    path = tmp_path / 'nova.conf'
    path.write_text(f'[api]\nvendordata_providers = {providers}\nvendordata_dynamic_targets = {given}\n')
    conf = nova.conf.load(['--config-file', str(path)], 'test')
    found = vendor_data.for_servers(conf)
    assert isinstance(found, vendor_data.Services) == asks
    if not asks:
        assert found(SITE, SERVER) == SITE
