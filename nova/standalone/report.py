"""What a person reads: the table of `status`, and the summary of `up`."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from nova.standalone import access, hypervisor, processes, readiness
from nova.standalone.layout import Layout

GUEST_LINES = 14
HEADINGS = ('DAEMON', 'STATE', 'UPTIME', 'MEMORY', 'ADDRESS')


def table(rows: Sequence[Sequence[str]], headings: Sequence[str] = HEADINGS) -> str:
    """Columns as wide as their widest entry."""
    lines = [list(headings), *[list(row) for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    return '\n'.join(
        '  '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def duration(seconds: float) -> str:
    """The two largest units: 42 s, 3 min 5 s, 2 h 10 min, 3 d 4 h."""
    seconds = int(seconds)
    units = (('d', 86400), ('h', 3600), ('min', 60), ('s', 1))
    for index, (name, size) in enumerate(units):
        if seconds >= size and name != 's':
            rest_name, rest_size = units[index + 1]
            return f'{seconds // size} {name} {seconds % size // rest_size} {rest_name}'
    return f'{seconds} s'


def _state(entry: dict) -> str:
    if entry['state'] != 'running':
        return f'waiting after {entry["failures"]} failures (last exit {entry["last_exit"]})'
    return 'ready' if readiness.ready(entry['address'], entry['ready_url']) else 'not ready'


def _row(entry: dict, now: float, parent_of: dict[int, int]) -> tuple[str, ...]:
    running = entry['pid'] is not None
    memory = sum(processes.memory_kib(pid) for pid in processes.family(entry['pid'], parent_of)) if running else 0
    return (
        entry['name'],
        _state(entry),
        duration(now - entry['started']) if running else '-',
        f'{memory / 1024:.0f} MiB' if running else '-',
        entry['address'] or entry['ready_url'] or '-',
    )


def status(layout: Layout, daemons: list[dict]) -> str:
    now, parent_of = time.time(), processes.parents()
    ordered = sorted(daemons, key=lambda entry: (entry['stage'], entry['name']))
    with ThreadPoolExecutor(8) as pool:
        rows = list(pool.map(lambda entry: _row(entry, now, parent_of), ordered))
    kind = 'fake' if layout.driver == 'fake' else hypervisor.virt_type()
    return f'{table(rows)}\n\nGuests run on: {hypervisor.describe(kind)}.\nState directory: {layout.state_dir}'


def summary(layout: Layout, seconds: float) -> str:
    client = access.openstack_program(layout)
    endpoints = [
        ('identity', layout.url('keystone', '/v3')),
        ('image', layout.url('glance')),
        ('placement', layout.url('placement')),
        ('network', layout.url('nova-network')),
        ('compute', layout.url('nova-api', '/v2.1')),
        *([('key-manager', layout.url('barbican'))] if layout.has('barbican') else []),
    ]
    key = f'\n  SSH key of the server first   {layout.state_dir}/first_key'
    return '\n'.join(
        [
            f'The cloud is up ({seconds:.1f} s).',
            '',
            *[f'  {name:<12} {url}' for name, url in endpoints],
            f'  {"consoles":<12} {layout.url("nova-novncproxy", "/vnc_lite.html")}',
            '',
            f'  clouds.yaml  {layout.clouds_yaml}   (clouds: nova, nova-demo){key}',
            '',
            'Try:',
            f'  eval "$({_own_name(layout)} env --demo)"',
            f'  {client} server list',
            f'  {client} console url show first',
        ]
    )


def _own_name(layout: Layout) -> str:
    return f'{layout.our_program("nova-standalone")} --state-dir {layout.state_dir}'


def last_words(console: Sequence[str]) -> list[str]:
    """What a guest says of itself at the end of its boot, safe to print on a terminal."""
    lines = [''.join(character for character in line if character.isprintable()) for line in console]
    ends = [number for number, line in enumerate(lines) if line.startswith('GUEST-READY')]
    if ends:
        lines = lines[: ends[-1] + 1]
    return [line for line in lines if line.strip()][-GUEST_LINES:]
