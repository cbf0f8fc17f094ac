"""What the parts write is what their programs need."""

import base64
import dataclasses
import hashlib
import json

import pytest
from oslo_config import cfg

from nova.standalone import parts
from nova.standalone.layout import ALL_PARTS, Layout
from nova.standalone.parts.rabbitmq import password_hash


@pytest.fixture
def layout(tmp_path):
    layout = Layout(tmp_path / 'state', port_offset=1000, driver='fake', computes=2)
    layout.make_directories()
    return layout


@pytest.fixture
def configured(layout):
    chosen = parts.chosen(layout)
    for part in chosen:
        part.configure()
    return {part.name: part for part in chosen}


def read(path, **groups):
    conf = cfg.ConfigOpts()
    for group, names in groups.items():
        conf.register_opts([cfg.StrOpt(name) for name in names], group=None if group == 'DEFAULT' else group)
    conf(['--config-file', str(path)])
    return conf


def test_the_parts_are_those_of_the_driver(layout):
    assert {part.name for part in parts.chosen(layout)} == set(ALL_PARTS) - {'libvirt'}


def test_every_part_has_daemons_whose_files_exist(configured):
    for part in configured.values():
        for daemon in part.daemons():
            for file in daemon.config_files:
                assert (part.layout.state_dir / file).exists(), f'{daemon.name}: {file}'


def test_a_key_manager_comes_only_if_it_is_wanted(layout):
    with_one = dataclasses.replace(layout, key_manager=True)
    assert {part.name for part in parts.chosen(with_one)} - {part.name for part in parts.chosen(layout)} == {'barbican'}
    for part in parts.chosen(with_one):
        part.configure()
    nova = next(part for part in parts.chosen(with_one) if part.name == 'nova')
    options = {'libvirt': ['swtpm_enabled'], 'key_manager': ['backend', 'username'], 'barbican': ['barbican_endpoint']}
    conf = read(nova.etc(f'nova-compute-{nova.hosts[0]}.conf'), **options)
    assert (conf.libvirt.swtpm_enabled, conf.key_manager.username) == ('True', 'nova')
    assert conf.barbican.barbican_endpoint == with_one.url('barbican')


def test_the_key_managers_master_key_is_32_bytes(layout):
    with_one = dataclasses.replace(layout, key_manager=True)
    barbican = next(part for part in parts.chosen(with_one) if part.name == 'barbican')
    barbican.configure()
    (daemon,) = barbican.daemons()
    conf = read(daemon.config_files[0], simple_crypto_plugin=['kek'])
    assert len(base64.urlsafe_b64decode(conf.simple_crypto_plugin.kek)) == 32
    assert daemon.environment['HOME'] in daemon.config_files[0]


def test_daemons_have_names_of_their_own(configured):
    names = [daemon.name for part in configured.values() for daemon in part.daemons()]
    assert len(names) == len(set(names))
    assert {'nova-compute-fake-1', 'nova-compute-fake-2'} <= set(names)


def test_writing_the_files_again_restarts_nothing(layout, configured):
    before = {d.name: d.fingerprint() for part in configured.values() for d in part.daemons()}
    again = parts.chosen(layout)
    for part in again:
        part.configure()
    assert {d.name: d.fingerprint() for part in again for d in part.daemons()} == before


def test_no_password_is_an_argument_or_a_variable(configured):
    secrets = {path.read_text() for path in configured['nova'].layout.secrets.iterdir()}
    for part in configured.values():
        for daemon in part.daemons():
            shown = ' '.join((*daemon.command, *daemon.environment.values()))
            assert not any(secret in shown for secret in secrets), daemon.name


def test_metadata_secret_is_the_same_on_both_sides(configured):
    option = {'neutron': ['metadata_proxy_shared_secret']}
    ours = read(configured['nova'].etc('nova.conf'), **option)
    networks = read(configured['network'].etc('nova-network.conf'), **option)
    assert ours.neutron.metadata_proxy_shared_secret == networks.neutron.metadata_proxy_shared_secret


def test_the_bus_knows_the_user_of_our_daemons(configured):
    definitions = json.loads(configured['rabbitmq'].etc('definitions.json').read_text())
    conf = read(configured['nova'].etc('nova.conf'), DEFAULT=['transport_url'])
    password = conf.transport_url.partition('nova:')[2].partition('@')[0]
    stored = base64.b64decode(definitions['users'][0]['password_hash'])
    assert stored[4:] == hashlib.sha256(stored[:4] + password.encode()).digest()


def test_password_hash_is_salted():
    assert password_hash('x', b'1234') != password_hash('x', b'4321')


def test_two_computes_share_nothing_of_their_own(configured):
    nova = configured['nova']
    seen = [
        read(nova.etc(f'nova-compute-{host}.conf'), DEFAULT=['host', 'state_path'], health=['compute_port'])
        for host in nova.hosts
    ]
    assert len({conf.host for conf in seen}) == len({conf.state_path for conf in seen}) == 2
    assert len({conf.health.compute_port for conf in seen}) == 2
