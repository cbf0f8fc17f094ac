"""Config drives can be read back by the tools that know their formats."""

import shutil
import subprocess

import pytest

from nova import errors
from nova.virt.libvirt import config_drive

FILES = {
    'openstack/latest/meta_data.json': b'{"name": "a"}',
    'openstack/2012-08-10/meta_data.json': b'{"name": "b"}',
    'openstack/content/0000': bytes(range(256)) * 300,
    'ec2/2009-04-04/meta-data.json': b'{}',
}


@pytest.mark.skipif(shutil.which('genisoimage') is None, reason='genisoimage is not installed')
def test_a_cd_holds_the_files_under_its_label(tmp_path):
    path = tmp_path / 'disk.config'
    config_drive.make(str(path), FILES, 'iso9660', 'genisoimage')
    data = path.read_bytes()
    assert data[0x8001:0x8006] == b'CD001'
    assert data[0x8028:0x8048].rstrip() == b'config-2'
    for name, content in FILES.items():
        read = subprocess.run(['isoinfo', '-R', '-i', path, '-x', f'/{name}'], capture_output=True, check=True)
        assert read.stdout == content
    assert [left.name for left in tmp_path.iterdir()] == ['disk.config']


@pytest.mark.skipif(shutil.which('mcopy') is None, reason='mtools is not installed')
@pytest.mark.parametrize('files', [FILES, FILES | {'openstack/content/0001': bytes(6 << 20)}])
def test_a_fat_disk_holds_the_files_under_its_label(tmp_path, files):
    path = tmp_path / 'disk.config'
    config_drive.make(str(path), files, 'vfat', 'genisoimage')
    label = subprocess.run(['mlabel', '-s', '-i', path, '::'], capture_output=True, check=True, text=True).stdout
    assert 'config-2' in label.lower()
    for name, content in files.items():
        assert subprocess.run(['mtype', '-i', path, f'::{name}'], capture_output=True, check=True).stdout == content
    assert path.stat().st_size % (1 << 20) == 0


@pytest.mark.parametrize('name', ['../../etc/passwd', '/etc/passwd', 'a/../../b', '.'])
def test_no_file_is_written_outside(tmp_path, name):
    with pytest.raises(errors.Invalid, match='cannot hold'):
        config_drive.make(str(tmp_path / 'x'), {name: b''}, 'iso9660', 'genisoimage')
    assert not list(tmp_path.iterdir())


def test_a_program_that_fails_is_quoted(tmp_path):
    with pytest.raises(errors.HostFailed, match='false failed'):
        config_drive.make(str(tmp_path / 'x'), FILES, 'iso9660', 'false')
