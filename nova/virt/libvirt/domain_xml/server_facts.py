"""What a domain says of its server, for whoever looks at the hypervisor alone."""

from nova.domain.guest import Guest
from nova.domain.network import Port
from nova.virt.libvirt.domain_xml.element import Element, element

NAMESPACE = 'http://openstack.org/xmlns/libvirt/nova/1.1'
TIME_FORMAT = '%Y-%m-%d %H:%M:%S'


def server_facts(guest: Guest, version: str) -> Element:
    """The metadata of a domain."""
    return element('metadata', facts(guest, version))


def facts(guest: Guest, version: str) -> Element:
    server, flavor = guest.server, guest.server.flavor
    sizes = {
        'memory': flavor.memory_mb,
        'disk': flavor.disk_gb,
        'swap': flavor.swap_mb,
        'ephemeral': flavor.ephemeral_gb,
        'vcpus': flavor.vcpus,
    }
    made = element(
        'nova:instance',
        element('nova:package', version=version),
        element('nova:name', server.name),
        element('nova:creationTime', server.created_at.strftime(TIME_FORMAT)) if server.created_at else None,
        element(
            'nova:flavor',
            *(element(f'nova:{name}', str(size)) for name, size in sizes.items()),
            name=flavor.name,
            id=flavor.id,
        ),
        element(
            'nova:owner', element('nova:user', uuid=server.user_id), element('nova:project', uuid=server.project_id)
        ),
        element('nova:root', type='image', uuid=guest.image.id) if guest.image else None,
        element('nova:ports', *(_port(port) for port in guest.ports)) if guest.ports else None,
    )
    made.set('xmlns:nova', NAMESPACE)
    return made


def _port(port: Port) -> Element:
    addresses = (element('nova:ip', type='fixed', address=ip.address, ipVersion=ip.version) for ip in port.fixed_ips)
    return element('nova:port', *addresses, uuid=port.id)
