"""Look for what has no owner: in the databases, at the neighbours, and on the hosts."""

import time
from collections.abc import Iterator
from pathlib import Path

from nova.standalone import processes
from nova.standalone.parts.libvirt import connection_uri
from tools.trials.site import NO_ANSWER, Site
from tools.trials.verbs import KEPT_IMAGES

UNDECIDED = "SELECT id, server_id FROM migrations WHERE status NOT IN ('confirmed', 'reverted', 'error', 'failed')"
NOT_ENDED = "SELECT count(*) FROM operations WHERE status IN ('running', 'waiting')"
WITHOUT_GUEST = ('SHELVED_OFFLOADED',)
# What an image cache, and a driver, keep for themselves beside the directories of guests.
KEPT_FOLDERS = {'_base', 'snapshots', 'locks', 'simulated'}


def wait_until_clean(site: Site, patience: float) -> list[str]:
    """What is left behind after so many seconds at most: what was given up while a host was away goes soon after."""
    ends = time.monotonic() + patience
    while True:
        try:
            left = list(left_behind(site))
        except (RuntimeError, *NO_ANSWER) as failure:
            left = [f'what could not be looked for: {failure}']
        if not left or time.monotonic() > ends:
            return left
        time.sleep(2)


def left_behind(site: Site) -> Iterator[str]:
    servers = {server['id']: server for server in site.servers()}
    guests = {row[0] for row in site.read('nova_cell1', 'SELECT server_id FROM guests')}
    yield from _unrest(site, servers)
    yield from _records(site, servers, guests)
    yield from _allocations(site, guests)
    yield from _ports(site, servers)
    yield from _images(site, servers)
    yield from _files(site, guests)
    if site.cloud.layout.driver == 'libvirt':
        yield from _libvirt(site, guests)


def _named(what: str, found: set[str]) -> Iterator[str]:
    if found:
        yield f'{len(found)} {what}: {", ".join(sorted(found)[:5])}'


def _unrest(site: Site, servers: dict) -> Iterator[str]:
    for server in servers.values():
        if server['OS-EXT-STS:task_state'] is not None or server['status'] == 'BUILD':
            yield f'server {server["id"]} in {server["status"]}, {server["OS-EXT-STS:task_state"]}'
    for name in ('nova_api', 'nova_cell0', 'nova_cell1'):
        if count := site.read(name, NOT_ENDED)[0][0]:
            yield f'{count} operations not ended in {name}'
        stuck = {row[0] for row in site.read(name, "SELECT id FROM operations WHERE status = 'stuck'")}
        yield from _named(f'operations stuck in {name}', stuck)


def _records(site: Site, servers: dict, guests: set[str]) -> Iterator[str]:
    yield from _named('guest records without server', guests - set(servers))
    in_quota = {
        row[0] for row in site.read('nova_api', 'SELECT server_id FROM server_mappings WHERE NOT queued_for_delete')
    }
    yield from _named('deleted servers in the quota', in_quota - set(servers))
    yield from _named('servers that no quota counts', set(servers) - in_quota)
    undecided = {server_id for _id, server_id in site.read('nova_cell1', UNDECIDED)}
    resized = {id_ for id_, server in servers.items() if server['OS-EXT-STS:vm_state'] == 'resized'}
    # An operation may have ended between the two looks; the next one will tell.
    yield from _named('undecided resizes of servers that are not resized', undecided - resized)
    yield from _named('resized servers without resize', resized - undecided)


def _allocations(site: Site, guests: set[str]) -> Iterator[str]:
    query = 'SELECT DISTINCT consumer_id FROM allocations'
    claimed = {row[0] for row in site.read('placement', query, service='placement')}
    moves = {id_ for id_, _server_id in site.read('nova_cell1', UNDECIDED)}
    yield from _named('allocations without guest', claimed - guests - moves)
    yield from _named('guests without allocation', guests - claimed)
    yield from _named('resizes without allocation', moves - claimed)


def _ports(site: Site, servers: dict) -> Iterator[str]:
    ports = [port for port in site.get('network', '/ports')['ports'] if port['device_owner'].startswith('compute')]
    yield from _named('ports without server', {port['id'] for port in ports if port['device_id'] not in servers})
    if site.cloud.layout.driver == 'libvirt':
        bridges = [Path(f'/sys/class/net/brq{net["id"][:11]}') for net in site.get('network', '/networks')['networks']]
        devices = {path.name for bridge in bridges for path in bridge.glob('brif/tap*')}
        yield from _named('network devices without port', devices - {f'tap{port["id"][:11]}' for port in ports})


def _images(site: Site, servers: dict) -> Iterator[str]:
    images = [
        image for image in site.get('glance', '/images?limit=1000')['images'] if image['id'] not in site.first_images
    ]
    # What Glance has deleted, and still shows because it was killed just then, is its own.
    images = [image for image in images if image['status'] != 'deleted']
    yield from _named('images that are not whole', {image['id'] for image in images if image['status'] != 'active'})
    shelved = {
        f'{server["name"]}-shelved' for server in servers.values() if server['status'].startswith(('SHELVED', 'SOFT'))
    }
    strange = {image['name'] for image in images if not image['name'].startswith(KEPT_IMAGES)} - shelved
    yield from _named('images that nobody asked for', strange)


def _files(site: Site, guests: set[str]) -> Iterator[str]:
    folders = list(site.cloud.layout.data('nova').glob('*/instances'))
    found = {path.name for folder in folders for path in folder.iterdir()} - KEPT_FOLDERS
    yield from _named('directories without guest', {name for name in found if name[:36] not in guests})
    yield from _named('parts of guests', {name for name in found if name[36:] not in ('', '_resize')})
    yield from _named('snapshots', {path.name for folder in folders for path in folder.glob('snapshots/*')})


def _libvirt(site: Site, guests: set[str]) -> Iterator[str]:
    import libvirt

    connection = libvirt.open(connection_uri(site.cloud.layout))
    try:
        domains = {domain.UUIDString() for domain in connection.listAllDomains()}
        yield from _named('domains without guest', domains - guests)
        yield from _named('guests without domain', guests - domains)
        yield from _named('secrets', {secret.UUIDString() for secret in connection.listAllSecrets()})
        running = {domain.name() for domain in connection.listAllDomains() if domain.isActive()}
    except libvirt.libvirtError as failure:
        raise OSError(f'libvirt: {failure}') from failure
    finally:
        connection.close()
    yield from _named('QEMU processes without domain', set(_processes(site)) - running)


def _processes(site: Site) -> Iterator[str]:
    """The names of the guests whose QEMU processes run and are this cloud's."""
    for pid in processes.all_pids():
        if processes.name(pid).startswith('qemu-system') and str(site.cloud.layout.state_dir) in processes.command_line(
            pid
        ):
            words = processes.command_line(pid).split()
            yield words[words.index('-name') + 1].removeprefix('guest=').partition(',')[0]
