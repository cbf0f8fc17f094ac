"""What a simulated guest prints while it boots."""

from collections.abc import Mapping

from nova.domain.guest import Guest

_KERNEL = """\
[    0.000000] Linux version 6.1.0-fake-amd64 (simulated) #1 SMP PREEMPT_DYNAMIC
[    0.000000] Command line: console=ttyS0
[    0.000000] Memory: {memory_kb}K available
[    0.018244] smpboot: Allowing {vcpus} CPUs, 0 hotplug CPUs
[    0.412096] virtio_net virtio0: registered
[    0.431770] virtio_blk virtio1: [vda] {sectors} 512-byte logical blocks
[    0.702113] Run /init as init process
"""


def boot_log(guest: Guest, config_drive: Mapping[str, bytes] | None) -> str:
    server = guest.server
    lines = [
        _KERNEL.format(
            memory_kb=server.flavor.memory_mb * 1024,
            vcpus=server.flavor.vcpus,
            sectors=server.flavor.disk_gb * (1 << 21),
        ).rstrip('\n')
    ]
    for number, port in enumerate(guest.ports):
        for address in port.addresses:
            lines.append(f'guest: address of eth{number} ({port.mac}): {address}')
    if config_drive is not None:
        lines.append(f'guest: config drive with {len(config_drive)} files')
    if server.keypair:
        lines.append(f'guest: key: {server.keypair.public_key.strip()}')
    lines += [f'guest: hostname: {server.hostname}', '', f'{server.hostname} login: ']
    return '\n'.join(lines)
