"""No image of those that want something of the host passes, and what QEMU itself makes does."""

import io
import shutil
import subprocess

import pytest

from nova import errors
from nova.clients.image import ImageClient
from nova.compute.images import ImageCache
from nova.context import admin_context
from nova.domain import image_format
from tests.fakes import hostile_images
from tests.fakes.hostile_images import HOSTILE, MIB
from tests.fakes.image import FakeGlance

TOO_LARGE = ('disk of a petabyte', 'lie about its size')


@pytest.mark.parametrize('image', [image for image in HOSTILE if image.name not in TOO_LARGE], ids=str)
def test_a_hostile_image_is_refused_for_its_reason(image):
    facts = image_format.inspect(io.BytesIO(image.data))
    with pytest.raises(errors.ImageUnacceptable, match=image.says):
        image_format.check_safe(facts, image.disk_format)


@pytest.mark.parametrize('force_raw', [True, False], ids=['converted', 'as it is'])
@pytest.mark.parametrize('image', HOSTILE, ids=str)
def test_the_cache_refuses_it_with_its_id_and_keeps_nothing(tmp_path, image, force_raw):
    glance = FakeGlance()
    client = ImageClient(glance)
    cache = ImageCache(str(tmp_path), client, force_raw=force_raw)
    image_id = glance.add(image.data, image.disk_format, **image.fields)
    for _time in range(2):
        with pytest.raises(errors.ImageUnacceptable, match=image.says) as refused:
            cache.path(client.get(admin_context(), image_id), disk_gb=1, guest_id='a-guest')
        assert image_id in str(refused.value)
        assert [path for path in tmp_path.rglob('*') if path.is_file()] == []


@pytest.mark.parametrize(
    ('data', 'claim'),
    [
        (hostile_images.disk_of_sectors(), 'raw'),
        (hostile_images.iso(), 'iso'),
        (hostile_images.iso(), 'raw'),
        (hostile_images.qcow2(), 'qcow2'),
        (hostile_images.vdi(), 'vdi'),
        (hostile_images.vhd(disk_type=3), 'vhd'),
        (hostile_images.vmdk('RW 2048 SPARSE "x.vmdk"'), 'vmdk'),
    ],
)
def test_the_builder_makes_harmless_ones_too(data, claim):
    """Otherwise the hostile ones might be refused for a fault of the builder."""
    image_format.check_safe(image_format.inspect(io.BytesIO(data)), claim)


@pytest.mark.skipif(shutil.which('qemu-img') is None, reason='qemu-img is not installed')
@pytest.mark.parametrize(
    ('kind', 'claim', 'options'),
    [
        ('qcow2', 'qcow2', 'compat=1.1'),
        ('qcow2', 'qcow2', 'compat=0.10'),
        ('qcow2', 'qcow2', 'extended_l2=on'),
        ('vmdk', 'vmdk', 'subformat=monolithicSparse'),
        ('vmdk', 'vmdk', 'subformat=streamOptimized'),
        ('vdi', 'vdi', ''),
        ('vpc', 'vhd', ''),
        ('vhdx', 'vhdx', ''),
        ('raw', 'raw', ''),
    ],
)
def test_what_qemu_makes_is_accepted(tmp_path, kind, claim, options):
    raw, made = tmp_path / 'raw', tmp_path / 'made'
    raw.write_bytes(hostile_images.disk_of_sectors())
    wished = ('-o', options) if options else ()
    subprocess.run(['qemu-img', 'convert', '-f', 'raw', '-O', kind, *wished, raw, made], check=True)
    facts = image_format.inspect_file(str(made))
    image_format.check_safe(facts, claim)
    assert facts.virtual_size >= MIB


class TestNotes:
    """Which guests use which file."""

    @pytest.fixture
    def glance(self):
        return FakeGlance()

    @pytest.fixture
    def cache(self, tmp_path, glance):
        return ImageCache(str(tmp_path), ImageClient(glance), force_raw=False)

    def image(self, glance, data=b'x' * 512):
        return ImageClient(glance).get(admin_context(), glance.add(data))

    def test_a_guest_may_use_several_until_it_settles_for_one(self, cache, glance):
        one, other = self.image(glance), self.image(glance)
        paths = [cache.path(image, guest_id='a-guest') for image in (one, other)]
        assert cache.expire({'a-guest'}, 0) == []
        cache.settle('a-guest', other)
        assert cache.expire({'a-guest'}, 0) == [paths[0].rpartition('/')[2]]

    def test_a_guest_that_is_refused_an_image_keeps_its_own(self, cache, glance):
        own = cache.path(self.image(glance), guest_id='a-guest')
        bad = self.image(glance, hostile_images.qcow2())
        with pytest.raises(errors.ImageUnacceptable):
            cache.path(bad, guest_id='a-guest')
        assert cache.expire({'a-guest'}, 0) == []
        assert cache.expire((), 0) == [own.rpartition('/')[2]]

    def test_settling_for_what_it_never_got_changes_nothing(self, cache, glance):
        cache.path(self.image(glance), guest_id='a-guest')
        cache.settle('a-guest', self.image(glance))
        cache.settle('another', self.image(glance))
        assert cache.expire({'a-guest'}, 0) == []
