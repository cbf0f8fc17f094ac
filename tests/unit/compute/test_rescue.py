"""What guests are rescued from."""

import pytest

from nova.clients.image import ImageClient
from nova.compute.guests import Guests
from nova.compute.images import ImageCache, source_of
from nova.compute.rescue import Rescues
from nova.context import admin_context
from nova.domain.image import Image
from nova.domain.lifecycle import Power
from nova.virt.fake.driver import FakeDriver
from tests.fakes.guests import a_guest
from tests.fakes.image import FakeGlance


class Host:
    """Its driver notes what it is to rescue guests from."""

    def __init__(self, tmp_path):
        self.glance, self.driver = FakeGlance(), FakeDriver('host')
        self.client = ImageClient(self.glance)
        self.images = ImageCache(str(tmp_path), self.client)
        self.guests = Guests(self.driver, self.images, None, 'host')
        self.given = []
        self.driver.rescue = self._rescue

    def _rescue(self, guest, image, image_source, config_drive, timeout):
        self.given.append((image, image_source))
        return Power.RUNNING

    def image(self, data=b'\x55' * 4096, disk_format='raw', **fields):
        return self.client.get(admin_context(), self.glance.add(data, disk_format, **fields))

    def rescues(self, **options):
        return Rescues(self.driver, self.guests, self.images, self.client, **options)


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def parts(image):
    return image.properties.get('kernel_id'), image.properties.get('ramdisk_id')


@pytest.mark.parametrize(
    ('options', 'properties', 'expected'),
    [
        ({}, {}, (None, None)),
        ({}, {'kernel_id': 'k', 'ramdisk_id': 'r'}, ('k', 'r')),
        ({'kernel_id': 'o'}, {'kernel_id': 'k', 'ramdisk_id': 'r'}, ('o', 'r')),
        ({'kernel_id': 'o', 'ramdisk_id': 'p'}, {}, ('o', 'p')),
    ],
)
def test_the_operators_image_starts_from_what_the_options_say_and_else_from_its_own(
    host, options, properties, expected
):
    offered = host.image(**properties)
    host.rescues(image_id=offered.id, **options).rescue(a_guest(image=host.image()), None, 0)
    ((image, _source),) = host.given
    assert image.id == offered.id
    assert parts(image) == expected


def test_the_options_are_for_the_operators_image_alone(host):
    rescues = host.rescues(image_id=host.image().id, kernel_id='o', ramdisk_id='p')
    own, named = host.image(b'own' * 512, kernel_id='k'), host.image(b'asked' * 512, kernel_id='n')
    rescues.rescue(a_guest(image=own), named, 0)
    host.rescues(kernel_id='o').rescue(a_guest(image=own), None, 0)
    assert [parts(image) for image, _source in host.given] == [('n', None), ('k', None)]


def test_what_an_image_starts_from_is_fetched_beside_it(host):
    starts_from = host.image(b'the kernel', 'aki')
    image = host.image(b'the disk', 'ami', kernel_id=starts_from.id)
    kept, source = source_of(host.images, a_guest(image=image))
    for wanted, data in ((kept.image, b'the disk'), (Image(starts_from.id), b'the kernel')):
        with open(source(wanted), 'rb') as file:
            assert file.read() == data
