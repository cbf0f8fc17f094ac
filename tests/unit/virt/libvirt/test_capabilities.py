"""What libvirt says of a host, in the form that the scheduler and Placement know."""

import os_traits
import pytest

from nova.virt.libvirt import capabilities

HOST = """
<capabilities>
  <host>
    <uuid>00000000-0000-4000-8000-000000000001</uuid>
    <cpu>
      <arch>x86_64</arch>
      <model>EPYC</model>
      <vendor>AMD</vendor>
      <topology sockets='1' dies='1' cores='8' threads='2'/>
      <feature name='svm'/>
      <feature name='sse4.2'/>
    </cpu>
    <topology><cells num='2'><cell id='0'/><cell id='1'/></cells></topology>
  </host>
  <guest>
    <os_type>hvm</os_type>
    <arch name='i686'><domain type='qemu'/></arch>
  </guest>
  <guest>
    <os_type>hvm</os_type>
    <arch name='x86_64'><domain type='qemu'/><domain type='kvm'/></arch>
  </guest>
</capabilities>
"""
DOMAIN = """
<domainCapabilities>
  <path>/usr/bin/qemu-system-x86_64</path>
  <arch>x86_64</arch>
  <os supported='yes'>
    <enum name='firmware'><value>efi</value></enum>
    <loader supported='yes'><enum name='secure'><value>yes</value><value>no</value></enum></loader>
  </os>
  <cpu>
    <mode name='host-passthrough' supported='yes'/>
    <mode name='host-model' supported='{supported}'>
      <model fallback='forbid'>EPYC</model>
      <vendor>AMD</vendor>
      <feature policy='require' name='avx2'/>
      <feature policy='disable' name='svm'/>
    </mode>
    <mode name='custom' supported='yes'><model usable='yes'>qemu64</model></mode>
  </cpu>
  <devices>
    <disk supported='yes'>
      <enum name='bus'><value>ide</value><value>virtio</value><value>strange</value></enum>
    </disk>
    <video supported='yes'><enum name='modelType'><value>vga</value><value>virtio</value></enum></video>
  </devices>
</domainCapabilities>
"""


def test_the_hosts_processor_is_read():
    processor = capabilities.host_processor(HOST)
    assert capabilities.cpu_info(processor) == {
        'arch': 'x86_64',
        'model': 'EPYC',
        'vendor': 'AMD',
        'topology': {'cells': 2, 'sockets': 1, 'cores': 8, 'threads': 2},
        'features': ['sse4.2', 'svm'],
    }
    assert capabilities.host_uuid(HOST) == '00000000-0000-4000-8000-000000000001'


def test_kinds_of_guests_are_read():
    assert capabilities.supported_instances(HOST) == (
        ('i686', 'qemu', 'hvm'),
        ('x86_64', 'kvm', 'hvm'),
        ('x86_64', 'qemu', 'hvm'),
    )


def test_machine_types_are_known_by_all_their_names():
    host = HOST.replace(
        "<domain type='qemu'/></arch>",
        "<machine canonical='pc-i440fx-7.2'>pc</machine><domain type='qemu'><machine>q35</machine></domain></arch>",
    )
    assert capabilities.machine_types(host)['i686'] == {'pc', 'pc-i440fx-7.2', 'q35'}
    assert capabilities.machine_types(host)['x86_64'] == frozenset()


def test_the_processor_that_guests_get_has_only_granted_features():
    offered = capabilities.offers(DOMAIN.format(supported='yes'))
    assert capabilities.features_of(offered.host_model) == {'avx2'}
    assert capabilities.offers(DOMAIN.format(supported='no')).host_model is None


@pytest.mark.parametrize(
    ('arch', 'features', 'has', 'lacks'),
    [
        ('x86_64', {'sse4.1', 'aes', 'pni'}, {'SSE41', 'AESNI', 'SSE3'}, {'AVX'}),
        ('x86_64', {'svm'}, {'SVM', 'AMD_SVM'}, {'VMX'}),
        ('x86_64', {'avx512-vpopcntdq', 'avx512f', 'vaes'}, {'AVX512VPOPCNTDQ', 'AVX512F', 'AVX512VAES'}, set()),
        ('x86_64', {'vaes', 'gfni'}, set(), {'AVX512VAES', 'AVX512GFNI'}),
        ('aarch64', {'aes'}, set(), {'AESNI'}),
    ],
)
def test_features_become_traits(arch, features, has, lacks):
    traits = capabilities.processor_traits(arch, frozenset(features))
    assert {f'HW_CPU_X86_{name}' for name in has} <= traits
    assert not {f'HW_CPU_X86_{name}' for name in lacks} & traits
    assert f'HW_ARCH_{arch.upper()}' in traits


def test_traits_are_what_both_sides_can_do():
    traits = capabilities.ability_traits(capabilities.offers(DOMAIN.format(supported='yes')))
    assert {
        'COMPUTE_STORAGE_BUS_VIRTIO',
        'COMPUTE_STORAGE_BUS_IDE',
        'COMPUTE_GRAPHICS_MODEL_VGA',
        'COMPUTE_GRAPHICS_MODEL_NONE',
        'COMPUTE_FIRMWARE_UEFI',
        'COMPUTE_SECURITY_UEFI_SECURE_BOOT',
        'COMPUTE_IMAGE_TYPE_QCOW2',
        'COMPUTE_NODE',
    } <= traits
    assert not {'COMPUTE_STORAGE_BUS_SCSI', 'COMPUTE_GRAPHICS_MODEL_QXL', 'COMPUTE_VOLUME_ATTACH'} & traits
    assert traits <= set(os_traits.get_traits())


@pytest.mark.parametrize(('version', 'has'), [(7_002_022, False), (8_000_000, True)])
def test_a_card_that_qemu_does_not_know_yet_is_not_offered(version, has):
    traits = capabilities.ability_traits(capabilities.offers(DOMAIN.format(supported='yes')), version=version)
    assert ('COMPUTE_NET_VIF_MODEL_IGB' in traits) is has
    assert 'COMPUTE_NET_VIF_MODEL_VIRTIO' in traits


@pytest.mark.parametrize(('arch', 'own', 'others'), [('x86_64', 'INTEL', 'SMMUV3'), ('aarch64', 'SMMUV3', 'INTEL')])
def test_each_architecture_has_its_iommus(arch, own, others):
    traits = capabilities.ability_traits(capabilities.offers(DOMAIN.format(supported='yes')), arch)
    assert {f'COMPUTE_VIOMMU_MODEL_{own}', 'COMPUTE_VIOMMU_MODEL_VIRTIO', 'COMPUTE_VIOMMU_MODEL_AUTO'} <= traits
    assert f'COMPUTE_VIOMMU_MODEL_{others}' not in traits


def test_every_mapped_feature_has_a_standard_trait():
    names = {f'HW_CPU_X86_{name}' for name in (*capabilities.FEATURE_TRAITS.values(), *capabilities.OLD_NAMES.values())}
    assert names <= set(os_traits.get_traits())
    assert set(capabilities.ABILITIES) <= set(os_traits.get_traits())
