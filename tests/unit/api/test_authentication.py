import pytest

from nova.api import faults
from nova.api.authentication import TokenCache, caller

ENVIRON = {
    'HTTP_X_IDENTITY_STATUS': 'Confirmed',
    'HTTP_X_USER_ID': 'alice',
    'HTTP_X_PROJECT_ID': 'demo',
    'HTTP_X_ROLES': 'member,reader',
    'HTTP_X_SERVICE_ROLES': 'service',
    'HTTP_X_USER_DOMAIN_ID': 'default',
    'HTTP_X_AUTH_TOKEN': 'secret',
    'REMOTE_ADDR': '10.0.0.1',
}


def test_the_context_says_what_keystone_said():
    context = caller(ENVIRON, 'req-1')
    assert (context.user_id, context.project_id, context.request_id) == ('alice', 'demo', 'req-1')
    assert (context.roles, context.service_roles) == (('member', 'reader'), ('service',))
    assert (context.user_domain_id, context.token, context.is_admin) == ('default', 'secret', False)


@pytest.mark.parametrize(
    'missing', [{'HTTP_X_USER_ID': ''}, {'HTTP_X_IDENTITY_STATUS': 'Invalid'}, {'HTTP_X_IDENTITY_STATUS': ''}]
)
def test_nobody_is_nobody(missing):
    with pytest.raises(faults.Unauthorized):
        caller(ENVIRON | missing, 'req-1')


@pytest.mark.parametrize(
    ('given', 'kept'),
    [
        ('req-10e2a9a0-9f3b-4e0c-9d51-8f6f6e4f4a11', True),
        ('10e2a9a0-9f3b-4e0c-9d51-8f6f6e4f4a11', False),
        ('req-' + 'x' * 36, False),
        ('req-' + '\n' * 36, False),
        ('', False),
    ],
)
def test_a_global_request_id_is_kept_only_if_it_is_one(given, kept):
    context = caller(ENVIRON | {'HTTP_X_OPENSTACK_REQUEST_ID': given}, 'req-1')
    assert context.global_request_id == (given if kept else None)


def test_tokens_are_kept_for_their_time_and_not_longer():
    clock = [0.0]
    cache = TokenCache(clock=lambda: clock[0])
    cache.set('a', b'data', time=300)
    assert cache.get('a') == b'data'
    clock[0] += 301
    assert cache.get('a') is None
    assert cache.get('unknown') is None


def test_the_number_of_tokens_is_bounded():
    clock = [0.0]
    cache = TokenCache(most=10, clock=lambda: clock[0])
    for number in range(5):
        cache.set(f'old-{number}', b'', time=1)
    clock[0] += 2
    for number in range(100):
        cache.set(str(number), b'x', time=300)
        assert len(cache._kept) <= 10
        assert cache.get(str(number)) == b'x'
