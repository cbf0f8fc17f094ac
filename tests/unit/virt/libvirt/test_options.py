"""The configuration becomes settings, or is refused with a sentence."""

import pytest
from oslo_config import cfg

import nova.conf
from nova import errors
from nova.virt.libvirt.options import settings_from


@pytest.fixture
def configured():
    def build(group=None, **values):
        conf = cfg.ConfigOpts()
        nova.conf.register(conf)
        conf([], project='nova', default_config_files=[], default_config_dirs=[])
        for name, value in values.items():
            conf.set_override(name, value, group=group)
        return conf

    return build


def test_the_defaults_are_settings(configured):
    settings = settings_from(configured())
    assert (settings.virt_type, settings.connection_uri, settings.disk_format) == ('kvm', 'qemu:///system', 'qcow2')
    assert settings.node == settings.host
    assert settings.shared_cpus is None


@pytest.mark.parametrize(
    ('group', 'values', 'field', 'expected'),
    [
        ('libvirt', {'virt_type': 'qemu'}, 'virt_type', 'qemu'),
        (
            'libvirt',
            {'connection_uri': 'qemu+unix:///system?socket=/s'},
            'connection_uri',
            'qemu+unix:///system?socket=/s',
        ),
        (
            'libvirt',
            {'hw_machine_type': ['x86_64=q35', 'aarch64=virt']},
            'machine_types',
            {'x86_64': 'q35', 'aarch64': 'virt'},
        ),
        ('libvirt', {'disk_cachemodes': ['file=writeback']}, 'cache_modes', {'file': 'writeback'}),
        ('libvirt', {'images_type': 'raw'}, 'disk_format', 'raw'),
        ('libvirt', {'images_type': 'flat'}, 'disk_format', 'raw'),
        ('libvirt', {'images_type': 'qcow2'}, 'disk_format', 'qcow2'),
        (None, {'use_cow_images': False}, 'disk_format', 'raw'),
        (None, {'preallocate_images': 'space'}, 'preallocate', True),
        ('vnc', {'enabled': False}, 'vnc_enabled', False),
        ('compute', {'shutdown_retry_interval': 3}, 'shutdown_retry', 3),
        ('libvirt', {'file_backed_memory': 1024}, 'file_backed_memory', 1024),
        ('libvirt', {'use_virtio_for_bridges': False}, 'nic_model', None),
        ('workarounds', {'libvirt_disable_apic': True}, 'apic', False),
        ('workarounds', {'skip_cpu_compare_at_startup': True}, 'compares_cpus', False),
        ('workarounds', {}, 'reserved_directory', None),
        ('compute', {'cpu_shared_set': '1-3'}, 'shared_cpus', frozenset({1, 2, 3})),
    ],
)
def test_options_become_settings(configured, group, values, field, expected):
    assert getattr(settings_from(configured(group, **values)), field) == expected


@pytest.mark.parametrize(
    ('values', 'says'),
    [
        ({'virt_type': 'lxc'}, 'virt_type = lxc'),
        ({'images_type': 'lvm'}, 'images_type = lvm'),
        ({'cpu_mode': 'custom'}, 'cpu_models'),
        ({'hw_machine_type': ['q35']}, 'hw_machine_type'),
        ({'disk_cachemodes': ['file=none', 'file=writeback']}, 'disk_cachemodes'),
        ({'disk_cachemodes': ['file=write-back']}, 'file=write-back; modes are default, none'),
    ],
)
def test_what_cannot_be_done_is_refused(configured, values, says):
    with pytest.raises(errors.Invalid, match=says):
        settings_from(configured('libvirt', **values))


def test_files_for_memory_are_not_promised_twice(configured):
    conf = configured('libvirt', file_backed_memory=1024)
    conf.set_override('ram_allocation_ratio', 1.5)
    with pytest.raises(errors.Invalid, match='ram_allocation_ratio'):
        settings_from(conf)


def test_the_image_cache_may_be_kept_from_servers(configured, tmp_path):
    conf = configured('workarounds', reserve_disk_resource_for_image_cache=True)
    conf.set_override('instances_path', str(tmp_path))
    assert settings_from(conf).reserved_directory == str(tmp_path / '_base')


def test_features_for_no_model_are_warned_about(configured, caplog):
    settings_from(configured('libvirt', cpu_mode='none', cpu_model_extra_flags=['pcid']))
    assert 'cpu_model_extra_flags has no effect' in caplog.text
