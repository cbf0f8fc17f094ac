"""How long a guest is given to shut down."""

import contextlib

import pytest

from nova.compute.power import PowerControl
from nova.domain.guest import Observed
from nova.domain.lifecycle import Power
from nova.virt import driver
from tests.unit.virt.libvirt.samples import a_guest


class Hypervisor(driver.PowerControl):
    def __init__(self, power=Power.RUNNING):
        self.patience, self._power = [], power

    def observe(self, guest_id):
        return Observed(guest_id, 'instance-1', self._power)

    def stop(self, guest_id, timeout):
        self.patience.append(timeout)
        return Power.SHUTDOWN

    pause = unpause = suspend = crash_dump = None


class Guests:
    @contextlib.contextmanager
    def working_on(self, _server_id, _what):
        yield lambda power: power

    def unlock(self, _guest):
        pass

    def ensure(self, _guest):
        return Power.RUNNING


@pytest.mark.parametrize(('asked', 'stop', 'reboot'), [(None, 60, 90), (7, 7, 7), (0, 0, 0)])
def test_the_host_is_patient_as_configured_where_the_image_does_not_say(asked, stop, reboot):
    hypervisor = Hypervisor()
    power = PowerControl(hypervisor, Guests(), 60, 90)
    power.stop('a-guest', asked)
    power.reboot(a_guest(), asked)
    assert hypervisor.patience == [stop, reboot]


def test_one_that_is_paused_hears_nothing_and_is_not_waited_for():
    hypervisor = Hypervisor(Power.PAUSED)
    PowerControl(hypervisor, Guests(), 60, 90).stop('a-guest', None)
    assert hypervisor.patience == [0]
