"""Options outside any group: who this host is, what it offers, and how the daemons listen."""

import socket

from oslo_config import cfg, types


def _own_address() -> str:
    """The address that packets to other machines leave from; nothing is sent to find it."""
    for family, elsewhere in ((socket.AF_INET, '192.0.2.1'), (socket.AF_INET6, '2001:db8::1')):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((elsewhere, 9))
                return probe.getsockname()[0]
        except OSError:
            continue
    return '127.0.0.1'


HOST = (
    cfg.HostDomainOpt(
        'host',
        default=socket.gethostname(),
        sample_default='<current_hostname>',
        help='The name of this host. It must be unique in the cloud, and must never change while the host has servers.',
    ),
    cfg.StrOpt(
        'my_ip',
        default=_own_address(),
        sample_default='<host_ipv4>',
        help='The address of this host on the management network, which other hosts reach it by.',
    ),
    cfg.StrOpt(
        'state_path',
        default='/var/lib/nova',
        help='The directory under which daemons keep what must outlive them.',
    ),
    cfg.StrOpt(
        'instances_path',
        default='$state_path/instances',
        help="The directory of the guests' disks and console logs, and of the image cache, on a compute host.",
    ),
)

API = (
    cfg.ListOpt(
        'enabled_apis',
        item_type=types.String(choices=['osapi_compute', 'metadata']),
        default=['osapi_compute', 'metadata'],
        help='The APIs that nova-api serves: the compute API, the metadata service, or both.',
    ),
    cfg.HostAddressOpt(
        'osapi_compute_listen',
        default='0.0.0.0',
        help='The address that the compute API is served on.',
    ),
    cfg.PortOpt('osapi_compute_listen_port', default=8774, help='The port that the compute API is served on.'),
    cfg.IntOpt(
        'osapi_compute_workers',
        min=1,
        help='How many processes serve the compute API. When it is not set, one for each processor.',
    ),
    cfg.HostAddressOpt('metadata_listen', default='0.0.0.0', help='The address that metadata is served on.'),
    cfg.PortOpt('metadata_listen_port', default=8775, help='The port that metadata is served on.'),
    cfg.IntOpt(
        'metadata_workers',
        min=1,
        help='How many processes nova-api-metadata runs. When it is not set, as many as serve the compute API. '
        'In nova-api the same processes serve both.',
    ),
    cfg.IntOpt(
        'api_threads',
        default=16,
        min=1,
        help='How many requests one API process works on at the same time.',
    ),
    cfg.StrOpt(
        'osapi_compute_unique_server_name_scope',
        default='',
        choices=['', 'project', 'global'],
        help='Whether server names must be unique: in their project, in the whole cloud, or, when empty, not at all.',
    ),
    cfg.IntOpt(
        'password_length',
        default=12,
        min=0,
        help='The length of the administrator passwords that are generated for servers.',
    ),
    cfg.IntOpt(
        'max_local_block_devices',
        default=3,
        help='How many disks of a server may be on its host. With 0 every server must boot from a volume; '
        'a negative number means no limit.',
    ),
)

ZONES = (
    cfg.StrOpt(
        'default_availability_zone',
        default='nova',
        help='The availability zone of hosts that no aggregate gives one. Choose it before the first server: '
        'servers that asked for a zone remember its name.',
    ),
    cfg.StrOpt(
        'default_schedule_zone',
        help='The availability zone of servers whose request names none. When it is not set, any zone will do.',
    ),
    cfg.StrOpt(
        'internal_service_availability_zone',
        default='internal',
        help='The availability zone that daemons other than nova-compute are shown in.',
    ),
)

USAGE = (
    cfg.BoolOpt(
        'instance_usage_audit',
        default=False,
        help='Whether conductors count the servers of each host once a period, for /os-instance_usage_audit_log.',
    ),
    cfg.StrOpt(
        'instance_usage_audit_period',
        default='month',
        regex=r'^(hour|day|month|year)(@[0-9]{1,2})?$',
        help='The period of usage audits: hour, day, month or year. month@5 begins on the fifth day of each month, day@6 at '
        'six in the morning, hour@30 at half past, year@4 in April; all in UTC.',
    ),
)

LIVENESS = (
    cfg.IntOpt(
        'report_interval',
        default=10,
        min=1,
        help='Seconds between two signs of life of a daemon. It must be smaller than service_down_time.',
    ),
    cfg.IntOpt(
        'service_down_time',
        default=60,
        min=1,
        help='Seconds without a sign of life after which a daemon counts as down.',
    ),
    cfg.BoolOpt(
        'enable_new_services',
        default=True,
        help='Whether a host that appears for the first time takes servers at once. '
        'Otherwise an administrator enables it.',
    ),
    cfg.IntOpt(
        'graceful_shutdown_timeout',
        default=60,
        min=0,
        help='Seconds that a daemon, told to stop, may spend on finishing or handing over what it is doing.',
    ),
)

COMPUTE = (
    cfg.StrOpt(
        'compute_driver',
        help='The driver of this host: libvirt.LibvirtDriver, or fake.FakeDriver for simulated guests.',
    ),
    cfg.StrOpt(
        'instance_name_template',
        default='instance-%08x',
        help="The name of a guest in the hypervisor, made from the server's number. Do not change it "
        'while the host has guests.',
    ),
    cfg.IntOpt(
        'max_concurrent_builds',
        default=10,
        min=0,
        help='How many guests a host builds at the same time. 0 means no limit.',
    ),
    cfg.IntOpt(
        'update_resources_interval',
        default=0,
        help='Seconds between two looks at what the host has. 0 means the usual 60 seconds; a negative number '
        'means only at start.',
    ),
    cfg.IntOpt(
        'sync_power_state_interval',
        default=600,
        help="Seconds between two comparisons of all guests' power with their servers' state. "
        'A negative number means never.',
    ),
    cfg.IntOpt(
        'sync_power_state_pool_size',
        default=5,
        min=1,
        help='How many guests that are not as their servers should be a host tells of at the same time in such a comparison.',
    ),
    cfg.IntOpt(
        'reclaim_instance_interval',
        default=0,
        help='Seconds for which a deleted server can be restored; then it is deleted for good. 0 or less: deleted '
        'servers are gone at once. The APIs and the conductors must agree on it.',
    ),
    cfg.IntOpt(
        'resize_confirm_window',
        default=0,
        min=0,
        help='Seconds after which a resize is confirmed that its user has neither confirmed nor reverted. 0: never. '
        'Conductors read it.',
    ),
    cfg.IntOpt(
        'rescue_timeout',
        default=0,
        min=0,
        help='Seconds after which a server that is still rescued is unrescued. 0: never. Conductors read it.',
    ),
    cfg.BoolOpt(
        'resume_guests_state_on_host_boot',
        default=False,
        help='Whether guests that ran when their host went down are started when it is up again. Otherwise their '
        'servers are shown as stopped.',
    ),
    cfg.StrOpt(
        'running_deleted_instance_action',
        default='reap',
        choices=[
            ('reap', 'They are removed.'),
            ('shutdown', 'They are switched off.'),
            ('log', 'They are logged.'),
            ('noop', 'Nothing.'),
        ],
        help='What becomes of guests on this host whose servers were deleted.',
    ),
    cfg.IntOpt(
        'running_deleted_instance_poll_interval',
        default=1800,
        help='Seconds between two looks for such guests. 0 means the usual 60 seconds; a negative number means never.',
    ),
    cfg.IntOpt(
        'running_deleted_instance_timeout',
        default=0,
        min=0,
        help='Seconds for which a server must have been deleted before anything is done to a guest that it left.',
    ),
    cfg.IntOpt(
        'shutdown_timeout',
        default=60,
        min=0,
        help='Seconds that a guest may take to shut itself down before its power is cut.',
    ),
    cfg.IntOpt(
        'vif_plugging_timeout',
        default=300,
        min=0,
        help='Seconds that a guest waits, before it begins to run, for the network service to wire its ports, where that tells '
        'when it has. 0: guests do not wait.',
    ),
    cfg.BoolOpt(
        'vif_plugging_is_fatal',
        default=True,
        help='Whether a guest fails to start if its ports are not wired in that time. Otherwise it runs without.',
    ),
    cfg.BoolOpt(
        'force_raw_images',
        default=True,
        help='Whether cached images are converted to the raw format.',
    ),
    cfg.BoolOpt(
        'use_cow_images',
        default=True,
        help='Whether the disk of a guest is a qcow2 overlay of the cached image, rather than a copy of it.',
    ),
    cfg.StrOpt(
        'preallocate_images',
        default='none',
        choices=[
            ('none', 'Disks grow as the guest writes to them.'),
            ('space', 'The space for a disk is allocated when the guest starts.'),
        ],
        help="Whether the space of guests' disks is allocated in advance.",
    ),
    cfg.StrOpt(
        'pointer_model',
        default='usbtablet',
        choices=['ps2mouse', 'usbtablet', None],
        help='The pointer of guests whose image names none.',
    ),
    cfg.StrOpt(
        'default_ephemeral_format',
        help='The file system of ephemeral disks: ext2, ext3, ext4, xfs, vfat or ntfs. When it is not set, ext4, and ntfs '
        'for guests whose image says os_type=windows.',
    ),
    cfg.MultiStrOpt(
        'virt_mkfs',
        default=[],
        help="The command that makes the file system of an ephemeral disk, by the image's os_type or with the name default, as in "
        'linux=mkfs.ext4 -L %(fs_label)s -F %(target)s.',
    ),
    cfg.BoolOpt(
        'force_config_drive',
        default=False,
        help='Whether every guest gets a config drive, asked for or not.',
    ),
    cfg.StrOpt(
        'config_drive_format',
        default='iso9660',
        choices=[
            ('iso9660', 'A CD image, which every guest can read.'),
            ('vfat', 'A disk image with a FAT file system.'),
        ],
        help='The format of config drives.',
    ),
    cfg.StrOpt(
        'mkisofs_cmd',
        default='genisoimage',
        help='The program that makes ISO 9660 images: genisoimage, mkisofs or xorrisofs, with a path if need be.',
    ),
)


def _ratio(resource: str, initially: float) -> tuple[cfg.FloatOpt, cfg.FloatOpt]:
    plural = {'cpu': 'virtual processors', 'ram': 'memory', 'disk': 'disk space'}[resource]
    return (
        cfg.FloatOpt(
            f'{resource}_allocation_ratio',
            min=0.0,
            help=f'How much {plural} servers may claim for each unit that this host has. When it is not set, '
            f'initial_{resource}_allocation_ratio applies to new hosts, and Placement may be told otherwise later.',
        ),
        cfg.FloatOpt(
            f'initial_{resource}_allocation_ratio',
            default=initially,
            min=0.0,
            help=f'The allocation ratio for {plural} that a host has when it appears for the first time.',
        ),
    )


ROOM = (
    *_ratio('cpu', 4.0),
    *_ratio('ram', 1.0),
    *_ratio('disk', 1.0),
    cfg.IntOpt('reserved_host_cpus', default=0, min=0, help='Processors of this host that servers may not claim.'),
    cfg.IntOpt(
        'reserved_host_memory_mb', default=512, min=0, help='Memory of this host, in MiB, that servers may not claim.'
    ),
    cfg.IntOpt(
        'reserved_host_disk_mb', default=0, min=0, help='Disk space of this host, in MiB, that servers may not claim.'
    ),
)

for option in ROOM:
    option.mutable = True  # a host reports anew at SIGHUP

SNAPSHOTS = (
    cfg.IntOpt(
        'max_concurrent_snapshots',
        default=5,
        min=0,
        help='How many images of guests a host makes, or sends to the image service, at the same time. 0 means no limit.',
    ),
    cfg.ListOpt(
        'non_inheritable_image_properties',
        default=['cache_in_nova', 'bittorrent'],
        help="Properties of a server's image that images made of the server do not get.",
    ),
    cfg.IntOpt(
        'shelved_offload_time',
        default=0,
        min=-1,
        help='Seconds after which a shelved server leaves its host. 0 means at once, -1 never.',
    ),
    cfg.IntOpt(
        'shelved_poll_interval',
        default=3600,
        help='Seconds between two looks for shelved servers that are to leave their hosts. A negative number means never.',
    ),
)

# The console proxies take these on their command lines, too.
PROXY = (
    cfg.StrOpt('cert', default='self.pem', help="The file with the console proxy's TLS certificate."),
    cfg.StrOpt('key', help='The file with its private key, when that is not in the certificate file.'),
    cfg.BoolOpt('ssl_only', default=False, help='Whether the console proxy refuses connections without TLS.'),
    cfg.BoolOpt('source_is_ipv6', default=False, help='Whether the console proxy listens on IPv6.'),
    cfg.StrOpt('record', help='A file name. What guests show is written to files of that name with a number appended.'),
    cfg.StrOpt(
        'web',
        default='/usr/share/novnc',
        help='The directory of the pages that the console proxy serves.',
    ),
)

GROUP = 'DEFAULT'
OPTS = [*HOST, *API, *ZONES, *USAGE, *LIVENESS, *COMPUTE, *ROOM, *SNAPSHOTS, *PROXY]
