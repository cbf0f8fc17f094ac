"""Which file system an ephemeral disk gets."""

import pytest

from nova import errors
from nova.virt.libvirt import file_systems
from tests.unit.virt.libvirt.samples import some_settings


@pytest.mark.parametrize(
    ('wanted', 'os_type', 'settings', 'command'),
    [
        (None, None, {}, ['mkfs.ext4', '-q', '-F', '-L', 'eph', 'disk']),
        (None, 'windows', {}, ['mkfs.ntfs', '-F', '-Q', '-q', '-L', 'eph', 'disk']),
        ('vfat', 'windows', {}, ['mkfs.vfat', '-I', '-n', 'eph', 'disk']),
        (None, 'windows', {'ephemeral_format': 'ext3'}, ['mkfs.ext3', '-q', '-F', '-L', 'eph', 'disk']),
        (None, 'linux', {'mkfs_commands': {'linux': 'make -x %(fs_label)s %(target)s'}}, ['make', '-x', 'eph', 'disk']),
        (None, None, {'mkfs_commands': {'default': 'make "%(target)s"'}}, ['make', 'disk']),
        ('xfs', None, {'mkfs_commands': {'default': 'make'}}, ['mkfs.xfs', '-q', '-f', '-L', 'eph', 'disk']),
    ],
)
def test_the_user_comes_first_and_then_the_operator(wanted, os_type, settings, command):
    assert file_systems.command('disk', 'eph', wanted, os_type, some_settings(**settings)) == command


def test_one_that_nobody_knows_is_refused():
    with pytest.raises(errors.Invalid, match='zfs'):
        file_systems.command('disk', 'eph', 'zfs', None, some_settings())
