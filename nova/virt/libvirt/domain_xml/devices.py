"""The guest's other devices: consoles, screen, pointer, random numbers, balloon, watchdog, agent."""

import os.path

from nova import errors
from nova.domain.guest_wishes import MOST_SERIAL_PORTS
from nova.virt.libvirt.domain_xml import machine
from nova.virt.libvirt.domain_xml.element import Element, element
from nova.virt.libvirt.domain_xml.wishes import Wishes, is_true
from nova.virt.libvirt.settings import Settings

CONSOLE_LOG = 'console.log'
AGENT_CHANNEL = 'org.qemu.guest_agent.0'
VIDEO_MODELS = {
    'virtio': 'virtio',
    'vga': 'vga',
    'cirrus': 'cirrus',
    'qxl': 'qxl',
    'bochs': 'bochs',
    'vmvga': 'vmvga',
    'none': 'none',
}
WATCHDOG_ACTIONS = ('disabled', 'none', 'pause', 'poweroff', 'reset')
SOUND_MODELS = ('ac97', 'es1370', 'ich6', 'ich9', 'pcspk', 'sb16', 'usb')
USB_MODELS = ('nec-xhci', 'none', 'qemu-xhci')


def serial_ports(directory: str, wishes: Wishes) -> list[Element]:
    """The first one's output is the console log; libvirt's log daemon writes it and bounds its size."""
    # The flavor's is the most that an image may want, and what one gets that wants nothing.
    wanted = wishes.property('hw_serial_port_count')
    count = int(wanted) if wanted and wanted.isdecimal() else wishes.number('serial_port_count')
    log = element('log', file=os.path.join(directory, CONSOLE_LOG), append='off')
    ports = range(min(1 if count is None else max(count, 1), MOST_SERIAL_PORTS))
    return [
        element('serial', log if number == 0 else None, element('target', port=number), type='pty') for number in ports
    ]


def screen(wishes: Wishes, settings: Settings) -> list[Element]:
    model = wishes.choice('video_model', VIDEO_MODELS, 'virtio')
    memory_mb = _video_memory_mb(wishes)
    video = element('video', element('model', type=VIDEO_MODELS[model], vram=memory_mb * 1024 if memory_mb else None))
    if not settings.vnc_enabled:
        return [video] if wishes.text('video_model') else []
    listen = element('listen', type='address', address=settings.vnc_listen)
    return [element('graphics', listen, type='vnc', port=-1, autoport='yes'), video, *_pointer(wishes, settings)]


def _video_memory_mb(wishes: Wishes) -> int | None:
    wanted, most = wishes.number('video_ram'), wishes.spec('hw_video:ram_max_mb')
    if wanted and wanted > (int(most) if most and most.isdecimal() else 0):
        raise errors.ImageUnacceptable(
            f'hw_video_ram is {wanted} MB; the flavor allows {most or 0} MB by hw_video:ram_max_mb.'
        )
    return wanted or None


def _pointer(wishes: Wishes, settings: Settings) -> list[Element]:
    """A tablet, which shows the pointer where the user's is. A PS/2 mouse is in each x86 machine anyway."""
    asked = wishes.choice('input_bus', ('usb', 'virtio'))
    wanted = wishes.choice('pointer_model', ('usbtablet',)) or settings.pointer_model
    bus = asked or 'usb'
    if (not asked and wanted != 'usbtablet') or (bus == 'usb' and wishes.text('usb_model') == 'none'):
        return []
    return [element('input', type='tablet', bus=bus)]


def controllers(wishes: Wishes, settings: Settings) -> list[Element]:
    usb = wishes.choice('usb_model', USB_MODELS)
    made = [element('controller', type='usb', index=0, model=usb)] if usb else []
    if settings.pcie_ports and machine.has_pcie(machine.machine_type(wishes, settings)):
        made.append(element('controller', type='pci', model='pcie-root'))
        made += [element('controller', type='pci', model='pcie-root-port') for _number in range(settings.pcie_ports)]
    return made


def agent_channel(wishes: Wishes) -> list[Element]:
    if not wishes.flag('qemu_guest_agent'):
        return []
    return [element('channel', element('target', type='virtio', name=AGENT_CHANNEL), type='unix')]


def random_numbers(wishes: Wishes, settings: Settings) -> list[Element]:
    if not is_true(wishes.spec('hw_rng:allowed') or 'true'):
        return []
    model = wishes.choice('rng_model', ('virtio',), 'virtio')
    # Without a rate, or with one of zero, the guest takes what it wants; without a period the rate is per second.
    rate, period = (wishes.spec_number(f'hw_rng:rate_{name}') for name in ('bytes', 'period'))
    limit = element('rate', bytes=rate, period=period or None) if rate else None
    backend = element('backend', settings.rng_device, model='random')
    return [element('rng', limit, backend, model=model)]


def balloon(settings: Settings) -> Element:
    period = settings.memory_stats_period
    return element('memballoon', element('stats', period=period) if period > 0 else None, model='virtio')


def watchdog(wishes: Wishes) -> list[Element]:
    # The image decides here: it knows whether its system feeds the watchdog.
    action = wishes.property('hw_watchdog_action') or wishes.spec('hw:watchdog_action') or 'disabled'
    if action not in WATCHDOG_ACTIONS:
        raise errors.ImageUnacceptable(
            f'hw_watchdog_action is "{action}"; this host knows {", ".join(WATCHDOG_ACTIONS)}.'
        )
    return [] if action == 'disabled' else [element('watchdog', model='i6300esb', action=action)]


def sound(wishes: Wishes) -> list[Element]:
    model = wishes.choice('sound_model', SOUND_MODELS)
    return [element('sound', model=model)] if model else []
