"""The metadata service on real stores."""

import pytest
import webob

import nova.conf
from nova.api.metadata import identify
from nova.api.metadata.app import build, build_with
from nova.api.metadata.servers import Servers
from nova.domain.cell import CELL0_ID
from nova.domain.guest_data import Site
from nova.domain.lifecycle import State

SECRET = 'sesame'


def signed(server):
    return {
        'X-Instance-ID': server.id,
        'X-Tenant-ID': server.project_id,
        'X-Instance-ID-Signature': identify.signature(SECRET, server.id),
    }


def test_a_guest_behind_a_proxy_reads_its_metadata(world):
    server = world.server()
    app = build_with(Servers(world.databases), Site('novalocal'), SECRET, cache_age=15)
    answer = webob.Request.blank('/openstack/latest/meta_data.json', headers=signed(server)).get_response(app)
    assert answer.json['hostname'] == 'server-1.novalocal'
    assert answer.json['meta'] == server.metadata
    links = webob.Request.blank('/openstack/latest/network_data.json', headers=signed(server)).get_response(app)
    assert links.json['links'][0]['vif_id'] == server.ports[0].id


@pytest.mark.parametrize('local', [False, True])
def test_a_guest_is_known_by_its_address(world, local):
    world.server()
    app = build_with(Servers(world.databases, local), Site(''), None, cache_age=0)
    answer = webob.Request.blank('/latest/meta-data/hostname', remote_addr='192.168.1.30').get_response(app)
    assert answer.text == 'server-1'
    for address in ('192.168.1.3', '192.168.1.300', 'nonsense', 'fe80::1'):
        assert webob.Request.blank('/latest/meta-data/', remote_addr=address).get_response(app).status_int == 404


def test_the_options_decide_how_guests_are_known(world, tmp_path):
    server = world.server()
    (tmp_path / 'vendor.json').write_text('{"rack": 7}')
    conf = nova.conf.load([], 'nova-api-metadata', default_config_files=[])
    conf.set_override('connection', f'sqlite:///{tmp_path}/api.db', 'api_database')
    conf.set_override('connection', f'sqlite:///{tmp_path}/cell1.db', 'database')
    conf.set_override('vendordata_jsonfile_path', str(tmp_path / 'vendor.json'), 'api')
    unsigned = webob.Request.blank('/openstack/latest/vendor_data.json', remote_addr='192.168.1.30')
    assert build(conf)(unsigned.environ, lambda status, headers: None) == [b'{"rack": 7}']
    conf.set_override('service_metadata_proxy', True, 'neutron')
    conf.set_override('metadata_proxy_shared_secret', SECRET, 'neutron')
    app = build(conf)
    assert unsigned.get_response(app).status_int == 400
    answer = webob.Request.blank('/latest/meta-data/hostname', headers=signed(server)).get_response(app)
    assert answer.text == 'server-1.novalocal'
    app.checks['database']()


def test_an_address_that_two_servers_have_tells_nothing(world):
    world.server(1)
    world.server(2)
    assert Servers(world.databases).at_address('192.168.1.30') is None


def test_servers_that_are_deleted_or_unknown_are_not_found(world):
    gone = world.server(cell_id=CELL0_ID, state=State.DELETED)
    servers = Servers(world.databases)
    assert servers.find(gone.id) is None
    assert servers.find('unknown') is None


@pytest.mark.parametrize('local', [False, True])
def test_a_password_is_kept_once(world, local):
    server = world.server()
    servers = Servers(world.databases, local)
    assert servers.save_password(servers.find(server.id), 'c2VjcmV0')
    assert not servers.save_password(servers.find(server.id), 'YWdhaW4=')
    assert servers.find(server.id).system_metadata['password'] == 'c2VjcmV0'
