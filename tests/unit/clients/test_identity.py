import pytest

from nova import conf as options
from nova import errors
from nova.clients import identity
from nova.context import Context
from tests.fakes.keystone import FakeKeystone

CREDENTIALS = """
[{group}]
auth_type = password
auth_url = {url}/v3
username = nova
password = secret
project_name = service
user_domain_name = Default
project_domain_name = Default
region_name = here
"""


@pytest.fixture
def keystone():
    made = FakeKeystone()
    yield made
    made.stop()


@pytest.fixture
def load(tmp_path, keystone):
    def read(*groups, more=''):
        path = tmp_path / 'nova.conf'
        path.write_text(''.join(CREDENTIALS.format(group=group, url=keystone.url) for group in groups) + more)
        return options.load(['--config-file', str(path)], 'nova-api')

    return read


def test_an_adapter_finds_its_neighbour_and_asks_for_one_token(load, keystone):
    adapter = identity.adapter(load('placement'), 'placement')
    assert adapter.get_endpoint() == f'{keystone.url}/placement'
    for _ in range(3):
        adapter.get('/x', raise_exc=False)
    assert keystone.count('POST', '/v3/auth/tokens') == 1
    assert adapter.session.timeout == identity.TIMEOUT


@pytest.mark.parametrize(
    ('options', 'retries'),
    [('', 3), ('http_retries = 0', 0), ('http_retries = 5\nconnect_retries = 1', 1)],
)
def test_calls_of_the_network_service_are_tried_again_as_often_as_its_options_say(load, options, retries):
    conf = load('neutron', more=options)
    assert identity.adapter(conf, 'neutron').connect_retries == retries
    assert identity.for_user(conf, 'neutron')(Context(user_id='alice', token='own')).connect_retries == retries


def test_missing_credentials_are_named(load):
    with pytest.raises(errors.ServiceDown, match=r'\[placement\]: set auth_type'):
        identity.adapter(load('glance'), 'placement')


def test_a_call_for_a_user_carries_their_token_and_ours(load, keystone):
    act_for = identity.for_user(load('neutron'), 'neutron')
    assert act_for(Context(user_id='alice')) is None
    adapter = act_for(Context(user_id='alice', token='users-own'))
    headers = adapter.session.get_auth_headers(adapter.auth)
    assert headers['X-Auth-Token'] == 'users-own'
    assert keystone.tokens[headers['X-Service-Token']] == 'nova'
    assert adapter.get_endpoint() == f'{keystone.url}/network'


def test_the_vouching_user_may_be_another(load, keystone):
    more = '\n[service_user]\nsend_service_user_token = true\n'
    conf = load('neutron', more=more + CREDENTIALS.format(group='service_user', url=keystone.url).partition(']')[2])
    adapter = identity.for_user(conf, 'neutron')(Context(user_id='alice', token='users-own'))
    assert adapter.session.get_auth_headers(adapter.auth)['X-Service-Token'] in keystone.tokens


@pytest.mark.parametrize(('project', 'exists'), [('demo', True), ('typo', False)])
def test_keystone_says_whether_a_project_exists(load, keystone, project, exists):
    client = identity.keystone(load('keystone'))
    client.check()
    assert client.project_exists(Context(token=keystone.token('alice')), project) is exists


def test_a_project_is_believed_when_keystone_cannot_say(load, keystone):
    client = identity.keystone(load('keystone'))
    assert client.project_exists(Context(token='expired'), 'typo')
    keystone.stop()
    assert client.project_exists(Context(token='any'), 'typo')
    with pytest.raises(errors.ServiceDown, match='Keystone cannot be reached'):
        client.check()
