"""Read what libvirt says of the host: its processor, what guests it runs, and the traits that follow."""

import dataclasses
from collections.abc import Collection
from typing import Any
from xml.etree import ElementTree

import os_traits

from nova.virt.libvirt.domain_xml import devices, disks, interfaces
from nova.virt.libvirt.domain_xml.machine import X86, iommu_models

# Names of processor features, where they differ from their trait's.
FEATURE_TRAITS = {
    'pclmuldq': 'CLMUL',
    'pclmulqdq': 'CLMUL',
    'pni': 'SSE3',
    'sse4.1': 'SSE41',
    'sse4.2': 'SSE42',
    'sse4a': 'SSE4A',
    'aes': 'AESNI',
    'fma': 'FMA3',
    'rtm': 'TSX',
    'bmi1': 'BMI',
    'sha-ni': 'SHA',
    '3dnow': '3DNOW',
    'pdpe1gb': 'PDPE1GB',
    'md-clear': 'INTEL_MD_CLEAR',
    'pcid': 'INTEL_PCID',
    'spec-ctrl': 'INTEL_SPEC_CTRL',
    'ssbd': 'INTEL_SSBD',
    'ibpb': 'AMD_IBPB',
    'amd-ssbd': 'AMD_SSBD',
    'virt-ssbd': 'AMD_VIRT_SSBD',
    'amd-no-ssb': 'AMD_NO_SSB',
    'gfni': 'AVX512GFNI',
    'vaes': 'AVX512VAES',
    'vpclmulqdq': 'AVX512VPCLMULQDQ',
    'avx512-vpopcntdq': 'AVX512VPOPCNTDQ',
    'avx512vbmi': 'AVX512VBMI',
    'amx-bf16': 'AMXBF16',
    'amx-int8': 'AMXINT8',
    'amx-tile': 'AMXTILE',
    'svm': 'AMD_SVM',
    'vmx': 'INTEL_VMX',
}
# These traits mean the wide form, for which the processor must have AVX-512 at all.
WIDE = frozenset({'gfni', 'vaes', 'vpclmulqdq'})
# Traits of these are deprecated names, which older flavors may still ask for.
OLD_NAMES = {'svm': 'SVM', 'vmx': 'VMX'}
# What this driver can do, whatever the host.
ABILITIES = (
    'COMPUTE_NODE',
    'COMPUTE_ADDRESS_SPACE_EMULATED',
    'COMPUTE_ADDRESS_SPACE_PASSTHROUGH',
    'COMPUTE_DEVICE_TAGGING',
    'COMPUTE_FIRMWARE_BIOS',
    'COMPUTE_IMAGE_TYPE_AKI',
    'COMPUTE_IMAGE_TYPE_AMI',
    'COMPUTE_IMAGE_TYPE_ARI',
    'COMPUTE_IMAGE_TYPE_ISO',
    'COMPUTE_IMAGE_TYPE_QCOW2',
    'COMPUTE_IMAGE_TYPE_RAW',
    'COMPUTE_IMAGE_TYPE_VDI',
    'COMPUTE_IMAGE_TYPE_VHD',
    'COMPUTE_IMAGE_TYPE_VHDX',
    'COMPUTE_IMAGE_TYPE_VMDK',
    'COMPUTE_NET_ATTACH_INTERFACE',
    'COMPUTE_NET_ATTACH_INTERFACE_WITH_TAG',
    'COMPUTE_NET_VIRTIO_PACKED',
)
# The first QEMU that has a model of network card; all have the others.
NEW_CARDS = {'igb': 8_000_000}


@dataclasses.dataclass(frozen=True)
class Processor:
    """A processor by libvirt's description."""

    arch: str
    model: str | None
    vendor: str | None
    topology: dict[str, int]
    features: frozenset[str]


def host_processor(capabilities: str) -> Processor:
    """The host's processor, from libvirt's capabilities."""
    root = ElementTree.fromstring(capabilities)
    cpu = root.find('host/cpu')
    shape = cpu.find('topology')
    topology = {name: int(shape.get(name)) for name in ('sockets', 'cores', 'threads') if shape is not None}
    topology['cells'] = len(root.findall('host/topology/cells/cell')) or 1
    features = frozenset(feature.get('name') for feature in cpu.findall('feature'))
    return Processor(cpu.findtext('arch'), cpu.findtext('model'), cpu.findtext('vendor'), topology, features)


def host_uuid(capabilities: str) -> str | None:
    return ElementTree.fromstring(capabilities).findtext('host/uuid')


def supported_instances(capabilities: str) -> tuple[tuple[str, str, str], ...]:
    """(architecture, hypervisor type, vm mode) of every kind of guest that libvirt can run."""
    found = set()
    for guest in ElementTree.fromstring(capabilities).findall('guest'):
        for arch in guest.findall('arch'):
            kinds = {domain.get('type') for domain in arch.findall('domain')}
            found |= {(arch.get('name'), kind, guest.findtext('os_type')) for kind in kinds}
    return tuple(sorted(found))


def machine_types(capabilities: str) -> dict[str, frozenset[str]]:
    """The names of the machine types of guests, by architecture."""
    found: dict[str, frozenset[str]] = {}
    for arch in ElementTree.fromstring(capabilities).findall('guest/arch'):
        names = {name for machine in arch.iter('machine') for name in (machine.text, machine.get('canonical')) if name}
        found[arch.get('name')] = found.get(arch.get('name'), frozenset()) | names
    return found


@dataclasses.dataclass(frozen=True)
class Offers:
    """What QEMU can give to guests of one kind, from libvirt's domain capabilities."""

    # The processor that `host-model` would be, as XML; None where libvirt knows none.
    host_model: str | None
    disk_buses: frozenset[str]
    video_models: frozenset[str]
    firmware: frozenset[str]
    secure_boot: bool


def offers(domain_capabilities: str) -> Offers:
    root = ElementTree.fromstring(domain_capabilities)
    model = root.find("cpu/mode[@name='host-model'][@supported='yes']")

    def values(path: str, name: str) -> frozenset[str]:
        return frozenset(value.text or '' for value in root.findall(f"{path}/enum[@name='{name}']/value"))

    return Offers(
        host_model=_as_cpu(model, root.findtext('arch')) if model is not None else None,
        disk_buses=values('devices/disk', 'bus'),
        video_models=values('devices/video', 'modelType'),
        firmware=values('os', 'firmware'),
        secure_boot='yes' in values('os/loader', 'secure'),
    )


def _as_cpu(model: ElementTree.Element, arch: str | None) -> str:
    cpu = ElementTree.Element('cpu', mode='custom', match='exact')
    # Domain capabilities name no architecture within the model; libvirt knows it by the question.
    cpu.extend(child for child in model if child.tag in ('model', 'vendor', 'feature'))
    return ElementTree.tostring(cpu, encoding='unicode')


def features_of(cpu_xml: str) -> frozenset[str]:
    """The features that a CPU description grants."""
    cpu = ElementTree.fromstring(cpu_xml)
    return frozenset(
        feature.get('name') for feature in cpu.findall('feature') if feature.get('policy') not in ('disable', 'forbid')
    )


def processor_traits(arch: str, features: frozenset[str]) -> frozenset[str]:
    """HW_CPU_* and architecture traits."""
    wanted = {f'HW_ARCH_{arch.upper()}', f'COMPUTE_ARCH_{arch.upper()}'}
    if arch in X86:
        if 'avx512f' not in features:
            features -= WIDE
        names = {FEATURE_TRAITS.get(feature, feature.upper().replace('-', '_')) for feature in features}
        names |= {OLD_NAMES[feature] for feature in features if feature in OLD_NAMES}
        wanted |= {f'HW_CPU_X86_{name}' for name in names}
    return frozenset(wanted & _standard())


def emulation_traits(kinds: tuple[tuple[str, str, str], ...]) -> frozenset[str]:
    """Traits of the architectures whose guests QEMU can run here, in software if not otherwise."""
    return frozenset({f'COMPUTE_ARCH_{arch.upper()}' for arch, kind, _mode in kinds if kind == 'qemu'} & _standard())


def plain_model(name: str, features: Collection[str] = ()) -> str:
    """The description of a processor model as it is, perhaps with more features."""
    cpu = ElementTree.Element('cpu', mode='custom', match='exact')
    ElementTree.SubElement(cpu, 'model').text = name
    for feature in sorted(features):
        ElementTree.SubElement(cpu, 'feature', policy='require', name=feature)
    return ElementTree.tostring(cpu, encoding='unicode')


def ability_traits(
    offered: Offers, arch: str = 'x86_64', version: int = 0, excluded_formats: Collection[str] = ()
) -> frozenset[str]:
    """COMPUTE_* traits: what this driver can do and this QEMU of a `version`, too."""
    buses = offered.disk_buses & set(disks.PREFIXES)
    videos = (offered.video_models | {'none'}) & set(devices.VIDEO_MODELS)
    wanted = {
        *ABILITIES,
        *(f'COMPUTE_STORAGE_BUS_{bus.upper()}' for bus in buses),
        *(f'COMPUTE_GRAPHICS_MODEL_{video.upper()}' for video in videos),
        *(f'COMPUTE_NET_VIF_MODEL_{model.upper()}' for model in interfaces.MODELS),
        *(f'COMPUTE_SOUND_MODEL_{model.upper()}' for model in devices.SOUND_MODELS),
        *(f'COMPUTE_VIOMMU_MODEL_{model.upper()}' for model in ('auto', *iommu_models(arch))),
        *(f'COMPUTE_USB_MODEL_{model.upper().replace("-", "_")}' for model in devices.USB_MODELS),
    }
    if 'efi' in offered.firmware:
        wanted.add('COMPUTE_FIRMWARE_UEFI')
        if offered.secure_boot:
            wanted.add('COMPUTE_SECURITY_UEFI_SECURE_BOOT')
    wanted -= {f'COMPUTE_NET_VIF_MODEL_{card.upper()}' for card, first in NEW_CARDS.items() if version < first}
    wanted -= {f'COMPUTE_IMAGE_TYPE_{name.upper()}' for name in excluded_formats}
    return frozenset(wanted & _standard())


def cpu_info(processor: Processor) -> dict[str, Any]:
    """The host's processor in the form that the REST API shows."""
    return {
        'arch': processor.arch,
        'model': processor.model,
        'vendor': processor.vendor,
        'topology': processor.topology,
        'features': sorted(processor.features),
    }


def _standard() -> set[str]:
    return set(os_traits.get_traits())
