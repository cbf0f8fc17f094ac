"""Secrets of guests, kept by castellan's key manager for tests."""

import threading

import pytest
from oslo_config import cfg

from nova import errors
from nova.clients.keys import KeyClient

pytest.importorskip('castellan')
IN_MEMORY = 'castellan.tests.unit.key_manager.mock_key_manager.MockKeyManager'


def a_client(**options):
    from castellan import options as castellan_options

    conf = cfg.ConfigOpts()
    conf([])
    castellan_options.set_defaults(conf)
    client = KeyClient(conf)
    from castellan.common import utils

    conf.register_opts(utils.credential_opts, group='key_manager')
    for name, value in options.items():
        conf.set_override(name, value, group='key_manager')
    return client


def test_a_secret_is_kept_until_it_is_deleted():
    client = a_client(backend=IN_MEMORY, auth_type='password', username='nova', password='x')
    key_id = client.store('mine', b'a passphrase')
    assert client.get(key_id) == b'a passphrase'
    for _time in range(2):
        client.delete(key_id)
    with pytest.raises(errors.NotFound):
        client.get(key_id)


@pytest.mark.parametrize(
    'options',
    [
        {},
        {'backend': 'nobody.knows.This', 'auth_type': 'password'},
        {'backend': IN_MEMORY},
    ],
)
def test_a_host_without_a_key_manager_says_so(options):
    with pytest.raises(errors.NotImplementedHere, match='key manager'):
        a_client(**options).store('mine', b'a passphrase')


class Manager:
    """A key manager that takes until `go` is set to do anything."""

    def __init__(self):
        self.go, self.kept, self.done = threading.Event(), {}, threading.Event()

    def store(self, who, passphrase):
        self.go.wait()
        self.kept['key'] = passphrase
        return 'key'

    def delete(self, who, key_id):
        del self.kept[key_id]
        self.done.set()


def test_a_key_manager_that_hangs_is_not_waited_for():
    client, manager = KeyClient(cfg.ConfigOpts(), patience=0.01), Manager()
    client._manager = manager
    with pytest.raises(errors.Unavailable, match='try again later'):
        client.store('mine', b'a passphrase')
    # What it stores after all is known to nobody.
    client._patience = 60
    manager.go.set()
    assert manager.done.wait(60)
    assert manager.kept == {}


def test_a_key_manager_that_fails_is_not_shown_to_users():
    client = KeyClient(cfg.ConfigOpts())
    client._manager = Manager()
    with pytest.raises(errors.Unavailable) as raised:
        client.get('key')
    assert 'Manager' not in str(raised.value)
