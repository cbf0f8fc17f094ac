"""Secrets of guests' TPMs."""

import dataclasses

from nova import errors
from nova.compute import tpms
from nova.virt import driver
from tests.fakes.guests import a_guest


class Keys:
    def __init__(self):
        self.kept, self.away = {}, False

    def store(self, name, secret):
        self.kept['key-1'] = secret
        return 'key-1'

    def get(self, key_id):
        return self.kept[key_id]

    def delete(self, key_id):
        if self.away:
            raise errors.HostFailed('The key manager is away.')
        del self.kept[key_id]


class Hypervisor(driver.Tpms):
    def __init__(self):
        self.keys, self.held = {}, []

    def tpm_key(self, guest_id):
        return self.keys.get(guest_id)

    def keep_tpm_key(self, guest_id, key_id):
        self.keys[guest_id] = key_id

    def unlock_tpm(self, guest_id, key_id, secret):
        self.held.append((guest_id, key_id, secret))


def with_tpm(guest):
    server = dataclasses.replace(guest.server, image_properties={'hw_tpm_version': '2.0'})
    return dataclasses.replace(guest, server=server)


def test_the_secret_is_made_once_and_given_at_each_start():
    keys, hypervisor, guest = Keys(), Hypervisor(), with_tpm(a_guest())
    for _time in range(2):
        tpms.unlock(keys, hypervisor, guest)
    assert hypervisor.held == [(guest.id, 'key-1', keys.kept['key-1'])] * 2
    assert len(keys.kept['key-1']) > 40


def test_a_guest_without_a_tpm_needs_none():
    keys, hypervisor = Keys(), Hypervisor()
    tpms.unlock(keys, hypervisor, a_guest())
    assert (keys.kept, hypervisor.held) == ({}, [])


def test_a_secret_that_cannot_be_deleted_keeps_nobody_waiting():
    keys = Keys()
    keys.store('x', b'y')
    keys.away = True
    tpms.forget(keys, 'key-1')
    keys.away = False
    tpms.forget(keys, 'key-1')
    assert keys.kept == {}
