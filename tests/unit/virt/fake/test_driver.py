"""Simulated guests."""

import pytest

from nova import errors
from nova.domain.flavor import Flavor
from nova.domain.guest import ConsoleAddress
from nova.domain.image import Image
from nova.domain.lifecycle import Power
from nova.virt.fake.driver import FakeDriver
from tests.fakes.guests import a_guest


def no_image(image):
    raise AssertionError('No image is needed.')


def ensure(driver, guest, config_drive=None):
    return driver.ensure(guest, no_image, config_drive)


def test_a_guest_is_made_once_and_removed_once():
    driver = FakeDriver('host')
    assert ensure(driver, a_guest()) is Power.RUNNING
    assert ensure(driver, a_guest()) is Power.RUNNING
    assert [observed.id for observed in driver.list()] == ['server']
    assert driver.observe('server').power is Power.RUNNING
    driver.remove('server', None)
    driver.remove('server', None)
    assert driver.list() == ()
    assert driver.leftovers() == ()
    assert driver.observe('server') is None


def test_guests_outlive_the_process(tmp_path):
    first = FakeDriver('host', directory=str(tmp_path))
    ensure(first, a_guest('one'))
    ensure(first, a_guest('two'))
    first.change_by_itself('two', Power.SHUTDOWN)
    (tmp_path / 'half-written.part').write_text('{')
    second = FakeDriver('host', directory=str(tmp_path))
    assert {observed.id: observed.power for observed in second.list()} == {'one': Power.RUNNING, 'two': Power.SHUTDOWN}
    assert second.output('one') == first.output('one')
    second.remove('one', None)
    second.remove('two', None)
    assert list(tmp_path.iterdir()) == []


def test_the_console_tells_who_the_guest_is():
    driver = FakeDriver('host')
    ensure(driver, a_guest(), {'openstack/latest/meta_data.json': b'{}'})
    text = driver.output('server').decode()
    assert 'guest: hostname: web' in text
    assert 'guest: key: ssh-ed25519 AAAA me' in text
    assert 'guest: address of eth0 (fa:16:3e:00:00:01): 10.0.0.5' in text
    assert 'config drive with 1 files' in text
    assert driver.output('server', 1) == b'web login: '
    assert driver.output('server', 0) == b''
    assert driver.output('server', 1000).decode() == text


def test_consoles_of_guests_that_are_not_there():
    driver = FakeDriver('host')
    with pytest.raises(errors.NotFound):
        driver.output('server')
    with pytest.raises(errors.NotFound):
        driver.address('server', 'novnc')


def test_a_console_has_an_address_only_where_one_is_given():
    driver = FakeDriver('host')
    ensure(driver, a_guest())
    with pytest.raises(errors.NotImplementedHere):
        driver.address('server', 'novnc')
    address = ConsoleAddress('novnc', '127.0.0.1', 5900)
    driver = FakeDriver('host', console_address=address)
    ensure(driver, a_guest())
    assert driver.address('server', 'novnc') == address


@pytest.mark.parametrize(
    ('wishes', 'fails'),
    [
        ({'fake:fail': 'ensure'}, True),
        ({'fake:fail': 'ensure', 'fake:fail_on': 'host'}, True),
        ({'fake:fail': 'ensure', 'fake:fail_on': 'another'}, False),
        ({'fake:fail': 'remove'}, False),
    ],
)
def test_a_guest_may_wish_to_fail(wishes, fails):
    driver = FakeDriver('host')
    if fails:
        with pytest.raises(errors.HostFailed):
            ensure(driver, a_guest(metadata=wishes))
        assert driver.list() == ()
    else:
        assert ensure(driver, a_guest(metadata=wishes)) is Power.RUNNING


def test_a_guest_may_wish_to_be_slow():
    slept = []
    driver = FakeDriver('host', sleep=slept.append)
    ensure(driver, a_guest(flavor=Flavor('1', 'slow', 1, 1, 1, extra_specs={'fake:delay': '0.25'})))
    driver.remove('server', None)
    assert slept == [0.25, 0.25]


def test_changes_are_told():
    driver, told = FakeDriver('host'), []
    driver.listen(lambda guest_id, power: told.append((guest_id, power)))
    ensure(driver, a_guest())
    driver.change_by_itself('server', Power.CRASHED)
    driver.change_by_itself('server', None)
    assert told == [('server', Power.CRASHED), ('server', None)]
    assert driver.list() == ()


def test_images_are_fetched_only_if_told_to(tmp_path):
    fetched = []
    path = tmp_path / 'image'
    path.write_bytes(b'content')

    def source(image):
        fetched.append(image.id)
        return str(path)

    guest = a_guest(image=Image('image'))
    FakeDriver('host').ensure(guest, source, None)
    assert fetched == []
    FakeDriver('host', fetch_images=True).ensure(guest, source, None)
    assert fetched == ['image']


def test_the_report():
    driver = FakeDriver('host')
    ensure(driver, a_guest())
    report = driver.report()
    assert (report.host, report.node, report.running_guests, report.trouble) == ('host', 'host', 1, None)
    assert driver.connected()
    driver.trouble = 'The simulation is over.'
    assert driver.report().trouble == 'The simulation is over.'
    assert not driver.connected()
