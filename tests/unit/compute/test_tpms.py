"""Secrets of guests' TPMs."""

import dataclasses
import os

import pytest

from nova import errors
from nova.compute.tpms import Tpms
from nova.virt.fake.driver import FakeDriver
from tests.fakes.guests import a_guest
from tests.fakes.keys import FakeKeys


def with_tpm(guest):
    server = dataclasses.replace(guest.server, image_properties={'hw_tpm_version': '2.0'})
    return dataclasses.replace(guest, server=server)


class Host:
    """The work on one host, whose process may die at any time."""

    def __init__(self, directory, keys=None):
        self.directory, self.keys = directory, keys or FakeKeys()
        self.start()

    def start(self):
        self.hypervisor = FakeDriver('host', directory=str(self.directory / 'guests'), tpms=True)
        self.tpms = Tpms(self.hypervisor, self.keys, str(self.directory / 'to-delete'))

    def ensure(self, guest):
        self.tpms.unlock(guest)
        self.hypervisor.ensure(guest, None, None)

    def remove(self, guest, failure=None):
        with self.tpms.leaving(guest.id):
            if failure:
                raise failure
            self.hypervisor.remove(guest.id, None)

    def noted(self):
        return os.listdir(self.directory / 'to-delete') if (self.directory / 'to-delete').exists() else []


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def test_the_secret_is_made_once_and_read_at_each_start(host):
    guest = with_tpm(a_guest())
    for times in (1, 2):
        host.ensure(guest)
        assert host.keys.read == times
        host.hypervisor.stop(guest.id, 0)
        host.start()
    ((name, secret),) = host.keys.kept.values()
    assert name == 'TPM of server server'
    assert len(secret) > 40


def test_each_guest_has_a_secret_of_its_own(host):
    for name in ('one', 'two'):
        host.ensure(with_tpm(a_guest(name)))
    assert len({secret for _name, secret in host.keys.kept.values()}) == 2


def test_a_guest_without_a_tpm_needs_none(host):
    host.ensure(a_guest())
    host.remove(a_guest())
    assert (host.keys.kept, host.noted()) == ({}, [])


def test_a_secret_that_is_gone_is_no_reason_for_a_new_one(host):
    guest = with_tpm(a_guest())
    host.ensure(guest)
    host.keys.kept.clear()
    with pytest.raises(errors.Conflict, match='not in the key manager any more'):
        host.ensure(guest)
    assert host.keys.kept == {}


def test_the_secret_goes_with_the_guest(host):
    guest = with_tpm(a_guest())
    host.ensure(guest)
    for _time in range(2):
        host.remove(guest)
    assert (host.keys.kept, host.noted(), host.hypervisor.leftovers()) == ({}, [], ())


def test_a_key_manager_that_is_away_keeps_nobody_waiting_and_is_told_later(host):
    guest = with_tpm(a_guest())
    host.ensure(guest)
    host.keys.away = True
    host.remove(guest)
    host.tpms.sweep()
    assert len(host.keys.kept) == len(host.noted()) == 1
    host.keys.away = False
    host.start()
    host.tpms.sweep()
    assert (host.keys.kept, host.noted()) == ({}, [])


def test_a_guest_that_could_not_be_removed_keeps_its_secret(host):
    guest = with_tpm(a_guest())
    host.ensure(guest)
    with pytest.raises(errors.HostFailed):
        host.remove(guest, errors.HostFailed('busy'))
    host.tpms.sweep()
    assert len(host.keys.kept) == 1
    host.remove(guest)
    assert (host.keys.kept, host.noted()) == ({}, [])


def test_a_process_that_dies_while_it_removes_a_guest_leaves_no_secret(host):
    guest = with_tpm(a_guest())
    host.ensure(guest)
    with pytest.raises(KeyboardInterrupt), host.tpms.leaving(guest.id):
        host.hypervisor.remove(guest.id, None)
        raise KeyboardInterrupt
    assert len(host.keys.kept) == 1
    host.start()
    host.tpms.sweep()
    assert (host.keys.kept, host.noted()) == ({}, [])


def test_what_was_half_noted_is_no_note(host):
    guest = with_tpm(a_guest())
    host.ensure(guest)
    (host.directory / 'to-delete').mkdir()
    (host.directory / 'to-delete' / 'x.part').touch()
    host.tpms.sweep()
    assert len(host.keys.kept) == 1
