"""The volume client: how it finds the volume service, for whom it asks, and what it makes of the answers."""

import pytest

from nova import conf as options
from nova import errors
from nova.clients import identity
from nova.clients.volume import Cinder, VolumeClient
from nova.context import Context
from nova.domain.volume import VolumeAttachment
from tests.fakes.keystone import FakeKeystone
from tests.fakes.volume import FakeCinder
from tests.unit.clients.test_identity import CREDENTIALS

ALICE = Context(user_id='alice', project_id='demo', token='users-own')


@pytest.fixture
def keystone():
    made = FakeKeystone()
    yield made
    made.stop()


@pytest.fixture
def load(tmp_path, keystone):
    def read(more='', groups=('cinder', 'neutron', 'glance'), service_user=False):
        text = ''.join(CREDENTIALS.format(group=group, url=keystone.url) for group in groups)
        if service_user:
            text += CREDENTIALS.format(group='service_user', url=keystone.url) + 'send_service_user_token = true\n'
        path = tmp_path / 'nova.conf'
        path.write_text(text.replace('[cinder]\n', f'[cinder]\n{more}\n'))
        return options.load(['--config-file', str(path)], 'nova-api')

    return read


@pytest.fixture
def cinder():
    return FakeCinder()


@pytest.fixture
def hers(cinder):
    return VolumeClient(cinder.acting_for).of(ALICE)


def headers(adapter):
    return adapter.session.get_auth_headers(adapter.auth)


@pytest.mark.parametrize(
    ('more', 'path'),
    [
        ('', '/volume/v3/demo'),
        ('catalog_info = volumev3:cinder:internalURL', '/inside/v3/demo'),
        ('os_region_name = there', '/there/v3'),
        ('endpoint_template = http://cinder.test/v3/%(project_id)s', 'http://cinder.test/v3/demo'),
    ],
)
def test_the_volume_service_is_found_as_the_options_say(load, keystone, more, path):
    keystone.add_service('volumev3', '/volume/v3/service-project')
    keystone.add_service('volumev3', '/inside/v3/service-project', interface='internal', name='cinder')
    keystone.add_service('volumev3', '/there/v3', region='there')
    if 'region' not in more:
        more += '\nos_region_name = here'
    adapter = Cinder(load(more))(ALICE)
    expected = path if path.startswith('http') else keystone.url + path
    assert adapter.get_endpoint().rstrip('/') == expected


def test_a_cloud_without_volumes_is_told_from_one_whose_catalog_is_away(load, keystone):
    act_for = Cinder(load())
    assert keystone.calls == []
    with pytest.raises(errors.ServiceMissing, match='no volume service'):
        act_for(ALICE)
    keystone.stop()
    with pytest.raises(errors.ServiceDown):
        Cinder(load())(ALICE)


def test_the_credentials_that_tokens_are_checked_with_will_do(load, keystone):
    keystone.add_service('volumev3', '/volume/v3')
    conf = load(groups=('keystone_authtoken',))
    assert Cinder(conf)(ALICE).get_endpoint() == f'{keystone.url}/volume/v3'


def test_nobody_is_acted_for_without_a_token(load):
    assert Cinder(load())(Context(project_id='demo')) is None
    with pytest.raises(errors.ServiceDown, match='token'):
        VolumeClient(lambda context: None).of(Context(project_id='demo'))


@pytest.mark.parametrize('service_user', [False, True])
@pytest.mark.parametrize('neighbour', ['neutron', 'glance', 'cinder'])
def test_a_service_vouches_for_every_call_that_acts_for_a_user(load, keystone, neighbour, service_user):
    keystone.add_service('volumev3', '/volume/v3')
    conf = load(service_user=service_user)
    act_for = Cinder(conf) if neighbour == 'cinder' else identity.for_user(conf, neighbour)
    sent = headers(act_for(ALICE))
    assert sent['X-Auth-Token'] == 'users-own'
    assert keystone.tokens[sent['X-Service-Token']] == 'nova'
    # With [service_user] its own session vouches, which logs in beside that of the neighbour's group.
    asked = keystone.count('POST', '/v3/auth/tokens')
    assert asked == (2 if service_user else 1)


def test_volumes_are_described(cinder, hers):
    volume_id = cinder.add('demo', 5, name='data', metadata={'a': 'b'})
    cinder.attach(volume_id, 's-1', '/dev/vdc')
    volume = hers.volume(volume_id)
    assert (volume.name, volume.size_gb, volume.status, volume.type) == ('data', 5, 'in-use', 'lvm')
    assert volume.metadata == {'a': 'b'}
    (held,) = volume.attachments
    assert held == VolumeAttachment('s-1', '/dev/vdc', held.attachment_id)
    assert hers.volumes(10) == [volume]
    assert hers.volumes(10, offset=1) == hers.volumes(0) == []


def test_what_the_service_refuses_is_said_in_its_words(cinder, hers):
    with pytest.raises(errors.NotFound, match='Volume nothing could not be found'):
        hers.volume('nothing')
    with pytest.raises(errors.NotFound):
        hers.snapshot('../volumes')
    with pytest.raises(errors.Invalid, match='Invalid volume size'):
        hers.create_volume(0)
    cinder.quota = 0
    with pytest.raises(errors.OverQuota, match='Maximum number of volumes'):
        hers.create_volume(1)
    cinder.away = True
    with pytest.raises(errors.ServiceDown, match='Cinder cannot be reached'):
        hers.volumes(1)


def test_snapshots_are_made_and_deleted(cinder, hers):
    volume_id = cinder.add('demo', 5)
    made = hers.create_snapshot(volume_id, 'daily', None)
    assert (made.volume_id, made.name, made.size_gb) == (volume_id, 'daily', 5)
    assert hers.snapshots(10) == [made]
    with pytest.raises(errors.Invalid, match='dependent snapshots'):
        hers.delete_volume(volume_id)
    hers.delete_snapshot(made.id)
    hers.delete_volume(volume_id)
    assert hers.volumes(10) == []
