from urllib.parse import quote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from nova.api import keys
from tests.unit.api.cloud import PUBLIC_KEY, Cloud


def make(cloud, name='mine', version='2.2', token='member', **fields):
    body = {'keypair': {'name': name, 'public_key': PUBLIC_KEY} | fields}
    return cloud.send('POST', '/os-keypairs', body, version, token=token)['keypair']


def names(answer):
    return [entry['keypair']['name'] for entry in answer['keypairs']]


@pytest.mark.parametrize(('version', 'created', 'deleted'), [('2.1', 200, 202), ('2.2', 201, 204)])
def test_the_status_changed_with_2_2(cloud, version, created, deleted):
    body = {'keypair': {'name': 'mine', 'public_key': PUBLIC_KEY}}
    cloud.send('POST', '/os-keypairs', body, version, status=created)
    cloud.send('DELETE', '/os-keypairs/mine', None, version, status=deleted)


def test_a_generated_key_fits_its_public_half(cloud):
    made = cloud.send('POST', '/os-keypairs', {'keypair': {'name': 'mine'}}, '2.91', status=201)['keypair']
    private = serialization.load_pem_private_key(made['private_key'].encode(), None)
    public = serialization.load_ssh_public_key(made['public_key'].strip().encode())
    assert private.public_key().public_numbers() == public.public_numbers()
    assert 'private_key' not in cloud.get('/os-keypairs/mine', '2.91')['keypair']


def test_keys_are_no_longer_generated_from_2_92(cloud):
    status, message = cloud.fault('POST', '/os-keypairs', {'keypair': {'name': 'mine'}}, '2.92')
    assert status == 400
    assert 'public_key' in message


def test_the_fingerprint_is_that_of_the_published_sample(cloud):
    assert make(cloud)['fingerprint'] == '1e:2c:9b:56:79:4b:45:77:f9:ca:7a:98:2c:b0:d5:3c'


def test_a_certificate_is_generated_and_recognized(cloud):
    body = {'keypair': {'name': 'windows', 'type': 'x509'}}
    made = cloud.send('POST', '/os-keypairs', body, '2.2', status=201)['keypair']
    assert made['type'] == 'x509'
    assert made['fingerprint'] == keys.fingerprint('x509', made['public_key'])
    assert make(cloud, 'again', type='x509', public_key=made['public_key'])['fingerprint'] == made['fingerprint']


@pytest.mark.parametrize('length', [1, 100, 200, 255])
def test_a_certificate_is_made_for_users_with_ids_of_any_length(length):
    private, certificate = keys.generate('x509', 'u' * length)
    assert 'PRIVATE KEY' in private
    assert keys.fingerprint('x509', certificate).count(':') == 19


@pytest.mark.parametrize('public', ['x', 'ssh-rsa', 'ssh-rsa AAAA', 'ssh-rsa ümlaut', 'ssh-dss AAAA x', '\x00'])
@pytest.mark.parametrize('kind', ['ssh', 'x509'])
def test_what_is_no_key_is_refused(cloud, kind, public):
    body = {'keypair': {'name': 'mine', 'public_key': public, 'type': kind}}
    assert cloud.fault('POST', '/os-keypairs', body, '2.2') == (
        400,
        'Keypair data is invalid: failed to generate fingerprint',
    )


@pytest.mark.parametrize(
    ('name', 'until_2_91', 'from_2_92'),
    [
        ('plain', 201, 201),
        ('with space-and_line', 201, 201),
        ('me@home.example', 400, 201),
        ('', 400, 400),
        (' x', 400, 400),
        ('x/y', 400, 400),
        ('x' * 256, 400, 400),
        ('ümlaut', 400, 400),
        ('x\n', 400, 400),
    ],
)
def test_names(cloud, name, until_2_91, from_2_92):
    body = {'keypair': {'name': name, 'public_key': PUBLIC_KEY}}
    for version, status in (('2.91', until_2_91), ('2.92', from_2_92)):
        cloud.send('POST', '/os-keypairs', body, version, status=status)
        cloud.request('DELETE', f'/os-keypairs/{quote(name)}', None, version)


def test_a_name_is_taken_once_for_each_user(cloud):
    make(cloud)
    assert cloud.fault('POST', '/os-keypairs', {'keypair': {'name': 'mine', 'public_key': PUBLIC_KEY}})[0] == 409
    make(cloud, token='stranger')


def test_only_administrators_see_other_users_keys(cloud):
    make(cloud, version='2.10', token='admin', user_id='alice')
    assert names(cloud.get('/os-keypairs?user_id=alice', '2.10', token='admin')) == ['mine', 'mykey']
    assert cloud.fault('GET', '/os-keypairs?user_id=alice', version='2.10', token='stranger')[0] == 403
    assert cloud.fault('GET', '/os-keypairs/mine?user_id=alice', version='2.10', token='stranger')[0] == 403
    assert cloud.fault('DELETE', '/os-keypairs/mine?user_id=alice', version='2.10', token='stranger')[0] == 403
    body = {'keypair': {'name': 'trap', 'public_key': PUBLIC_KEY, 'user_id': 'alice'}}
    assert cloud.fault('POST', '/os-keypairs', body, '2.10', token='stranger')[0] == 403
    # Before 2.10 the parameter is unknown, and so without effect.
    assert cloud.get('/os-keypairs?user_id=alice', '2.9', token='stranger') == {'keypairs': []}


def test_lists_are_sorted_and_paged_from_2_35(cloud):
    for name in ('c', 'a', 'b'):
        make(cloud, name, token='stranger')
    page = cloud.get('/os-keypairs?limit=2', '2.35', token='stranger')
    assert names(page) == ['a', 'b']
    assert page['keypairs_links'][0]['href'].endswith('/os-keypairs?limit=2&marker=b')
    assert names(cloud.get('/os-keypairs?limit=2&marker=b', '2.35', token='stranger')) == ['c']
    assert names(cloud.get('/os-keypairs?limit=1', '2.34', token='stranger')) == ['a', 'b', 'c']
    assert cloud.fault('GET', '/os-keypairs?marker=none', version='2.35')[0] == 400


def test_the_number_of_key_pairs_is_limited(cloud):
    body = {'quota_class_set': {'key_pairs': 2}}
    cloud.send('PUT', '/os-quota-class-sets/default', body, token='admin', status=200)
    make(cloud)
    body = {'keypair': {'name': 'more', 'public_key': PUBLIC_KEY}}
    assert cloud.fault('POST', '/os-keypairs', body) == (403, 'Quota exceeded, too many key pairs.')


def test_the_limit_of_the_project_and_of_the_user_in_it_hold(cloud):
    another = {'keypair': {'name': 'more', 'public_key': PUBLIC_KEY}}
    generated = {'keypair': {'name': 'more'}}
    for path in ('/os-quota-sets/demo?user_id=alice', '/os-quota-sets/demo'):
        cloud.send('PUT', path, {'quota_set': {'key_pairs': 1}}, token='admin', status=200)
        for body in (another, generated):
            assert cloud.fault('POST', '/os-keypairs', body) == (403, 'Quota exceeded, too many key pairs.')
        cloud.send('DELETE', path, token='admin', status=202)
    cloud.send('POST', '/os-keypairs', another, status=200)


def test_what_is_not_there_is_not_found(cloud):
    assert cloud.fault('GET', '/os-keypairs/none')[0] == cloud.fault('DELETE', '/os-keypairs/none')[0] == 404


def test_a_generated_certificate_is_real_and_fits_its_key(cloud):
    body = {'keypair': {'name': 'windows', 'type': 'x509'}}
    made = cloud.send('POST', '/os-keypairs', body, '2.2', status=201)['keypair']
    certificate = x509.load_pem_x509_certificate(made['public_key'].encode())
    private = serialization.load_pem_private_key(made['private_key'].encode(), None)
    assert certificate.public_key().public_numbers() == private.public_key().public_numbers()
    certificate.verify_directly_issued_by(certificate)
    (purpose,) = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert purpose == x509.ExtendedKeyUsageOID.CLIENT_AUTH


@pytest.mark.parametrize(
    'public',
    ['ssh-foo AAAA', 'sk-ssh-ed25519@openssh.com AAAA', 'ecdsa-sha2-nistp999 AAAA', 'ssh-rsa ' + 'A' * 60000],
)
def test_a_key_of_an_unknown_kind_is_refused(cloud, public):
    body = {'keypair': {'name': 'mine', 'public_key': public}}
    assert cloud.fault('POST', '/os-keypairs', body, '2.92')[0] == 400


def test_there_are_no_pages_before_2_35(tmp_path, template):
    cloud = Cloud(tmp_path, template, max_limit=2)
    for name in 'abc':
        make(cloud, name, token='stranger')
    assert names(cloud.get('/os-keypairs', '2.34', token='stranger')) == ['a', 'b', 'c']
    page = cloud.get('/os-keypairs', '2.35', token='stranger')
    assert names(page) == ['a', 'b']
    assert 'marker=b' in page['keypairs_links'][0]['href']
    cloud.databases.close()


def test_a_list_costs_one_statement_however_many_keys_there_are(cloud):
    def cost():
        before = cloud.databases.statements.value
        cloud.get('/os-keypairs')
        return cloud.databases.statements.value - before

    few = cost()
    make(cloud, 'a')
    make(cloud, 'b')
    assert cost() == few == 1
