"""A guest is asked to let go of a card until it does, unless nobody in it can answer."""

import pytest

from nova import errors
from nova.domain.lifecycle import Power
from nova.domain.network import device_name
from nova.virt.libvirt import interfaces
from nova.virt.libvirt.settings import Settings

PORT = '70a599e0-31e7-49b7-b260-868f441e8621'
WITH = f'<domain><devices><interface><target dev="{device_name(PORT)}"/></interface></devices></domain>'
WITHOUT = '<domain><devices/></domain>'


class Guest:
    """Stands for the connection: one guest, which lets go at the `hears`th time that it is asked."""

    def __init__(self, power=Power.RUNNING, hears=1):
        self._power, self._hears = power, hears
        self.asked, self.live, self.kept = 0, WITH, WITH

    def power(self, _guest_id):
        return 'instance-1', self._power

    def live_xml(self, _guest_id):
        return None if self._power is Power.SHUTDOWN else self.live

    def unplug(self, _guest_id, device):
        if self._power is Power.SHUTDOWN or device(self.live) is None:
            return False
        self.asked += 1
        if self.asked >= self._hears:
            self.live = WITHOUT
        return True

    def unplug_from_record(self, _guest_id, device):
        assert device(self.kept)
        self.kept = WITHOUT


def detach(guest, **options):
    settings = Settings(host='h1', node='h1', instances_path='/nowhere', detach_timeout=0, **options)
    interfaces.Interfaces(guest, settings).detach('a-guest', PORT)


@pytest.mark.parametrize(('power', 'asked'), [(Power.RUNNING, 3), (Power.SHUTDOWN, 0)])
def test_it_is_asked_until_it_lets_go(power, asked):
    guest = Guest(power, hears=3)
    detach(guest, detach_attempts=8)
    assert (guest.asked, guest.kept) == (asked, WITHOUT)


def test_what_it_does_not_let_go_of_stays_in_its_record():
    guest = Guest(hears=9)
    with pytest.raises(errors.Conflict, match='has not let go'):
        detach(guest, detach_attempts=2)
    assert (guest.asked, guest.kept) == (2, WITH)


@pytest.mark.parametrize('power', [Power.PAUSED, Power.SUSPENDED])
def test_one_that_is_held_is_not_asked(power):
    guest = Guest(power)
    with pytest.raises(errors.Conflict, match='is paused'):
        detach(guest)
    assert (guest.asked, guest.live, guest.kept) == (0, WITH, WITH)


def test_one_that_is_held_and_does_not_have_it_any_more_forgets_it():
    guest = Guest(Power.PAUSED)
    guest.live = WITHOUT
    detach(guest)
    assert guest.kept == WITHOUT
