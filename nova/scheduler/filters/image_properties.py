"""Match what the image needs (architecture, hypervisor, kind of virtual machine) with what the host can run."""

from typing import Any

from nova.domain.host import Host
from nova.domain.request import PlacementRequest

# The image's property, its former name, and the place of its answer in a host's (architecture, hypervisor, mode).
PROPERTIES = (
    ('hw_architecture', 'architecture', 0),
    ('img_hv_type', 'hypervisor_type', 1),
    ('hw_vm_mode', 'vm_mode', 2),
)
# Other names of the same thing.
SAME = {
    'amd64': 'x86_64',
    'x64': 'x86_64',
    'i386': 'i686',
    'i486': 'i686',
    'i586': 'i686',
    'x86': 'i686',
    'arm64': 'aarch64',
    'hv': 'hvm',
    'pv': 'xen',
}


class ImageProperties:
    always = False
    # It holds for a server that has its host and gets another image, too.
    judges_images = True

    def __init__(self, default_architecture: str | None = None):
        self._defaults = {'hw_architecture': default_architecture} if default_architecture else {}

    def reject(self, host: Host, request: PlacementRequest) -> str | None:
        wanted = self._wanted(request.image_properties)
        if not wanted or any(_runs(offered, wanted) for offered in host.supported_instances):
            return None
        needs = ', '.join(f'{name}={value}' for name, _place, value in wanted)
        return f'It cannot run images that need {needs}.'

    def _wanted(self, properties: dict[str, Any]) -> list[tuple[str, int, str]]:
        found = (
            (name, place, properties.get(name) or properties.get(former) or self._defaults.get(name))
            for name, former, place in PROPERTIES
        )
        return [(name, place, _canonical(value)) for name, place, value in found if value]


def _runs(offered: tuple[str, ...], wanted: list[tuple[str, int, str]]) -> bool:
    return all(place < len(offered) and _covers(_canonical(offered[place]), value) for _name, place, value in wanted)


def _covers(offered: str, wanted: str) -> bool:
    # An image for QEMU runs under KVM as well: it is the same machine, only faster.
    return offered == wanted or (wanted == 'qemu' and offered == 'kvm')


def _canonical(value: Any) -> str:
    text = str(value).strip().lower()
    return SAME.get(text, text)
