"""Options of the libvirt driver."""

from oslo_config import cfg

GROUP = 'libvirt'
OPTS = [
    cfg.StrOpt(
        'virt_type',
        default='kvm',
        choices=[
            ('kvm', 'Hardware virtualization. The processor must have svm or vmx.'),
            ('qemu', 'Emulation in software, which works everywhere and is slow.'),
            ('lxc', 'Linux containers.'),
            ('parallels', 'Virtuozzo.'),
        ],
        help='The kind of guests that libvirt runs.',
    ),
    cfg.StrOpt(
        'connection_uri',
        default='',
        help='The URI of libvirt. When it is empty, the system instance that fits virt_type.',
    ),
    cfg.StrOpt(
        'cpu_mode',
        choices=[
            ('host-model', "The host's model and its features, by name."),
            ('host-passthrough', "The host's processor as it is."),
            ('custom', 'The model that cpu_models names.'),
            ('none', "The hypervisor's own default."),
        ],
        help="The guests' processor. When it is not set, host-model; none with virt_type=qemu on other processors than x86.",
    ),
    cfg.ListOpt(
        'cpu_models',
        default=[],
        deprecated_opts=[cfg.DeprecatedOpt('cpu_model', group='libvirt')],
        help='Processor models, from the one with the fewest features to the one with the most, for cpu_mode=custom.',
    ),
    cfg.ListOpt(
        'cpu_model_extra_flags',
        default=[],
        help='Features to add to the processor model, or, with a minus before the name, to take from it.',
    ),
    cfg.ListOpt(
        'hw_machine_type',
        help='The machine type of guests whose image names none, for each architecture, as in x86_64=q35,aarch64=virt.',
    ),
    cfg.StrOpt(
        'images_type',
        default='default',
        choices=[
            ('raw', 'Files without a format of their own.'),
            ('flat', 'As raw, without the conversion.'),
            ('qcow2', 'Overlays of the cached image.'),
            ('lvm', 'Logical volumes.'),
            ('rbd', 'Images in Ceph.'),
            ('ploop', 'Virtuozzo disks.'),
            ('default', 'qcow2 when use_cow_images is set, otherwise flat.'),
        ],
        help="What guests' disks are made of.",
    ),
    cfg.StrOpt(
        'rng_dev_path',
        default='/dev/urandom',
        help="The device of the host that feeds the guests' random number generators.",
    ),
    cfg.ListOpt(
        'disk_cachemodes',
        default=[],
        help='The cache mode for each kind of disk, as in file=none,block=none,network=writeback.',
    ),
    cfg.StrOpt(
        'disk_prefix',
        help="What the names of guests' disks begin with. When it is not set, what fits the bus: vd, sd or hd.",
    ),
    cfg.StrOpt(
        'hw_disk_discard',
        choices=['ignore', 'unmap'],
        help='What becomes of the blocks that a guest says it no longer needs.',
    ),
    cfg.IntOpt(
        'images_address_space_limit',
        default=2,
        help='The memory, in GiB, that qemu-img may use while it works on an image.',
    ),
    cfg.IntOpt(
        'images_cpu_time_limit',
        default=30,
        help='The processor time, in seconds, that qemu-img may use while it looks at an image.',
    ),
    cfg.StrOpt(
        'sysinfo_serial',
        default='unique',
        choices=[
            ('none', 'No serial number.'),
            ('os', "The host's identity from /etc/machine-id."),
            ('hardware', "The host's UUID as libvirt reports it."),
            ('auto', 'os where /etc/machine-id exists, otherwise hardware.'),
            ('unique', "The server's own identity."),
        ],
        help='The serial number that a guest sees in its firmware tables.',
    ),
    cfg.IntOpt(
        'file_backed_memory',
        default=0,
        min=0,
        help="The memory, in MiB, that files in libvirt's memory_backing_dir have for guests; servers are given that instead of "
        "the host's own. ram_allocation_ratio must be 1.0 then, and reserved_host_memory_mb should be 0. 0: no files.",
    ),
    cfg.IntOpt(
        'mem_stats_period_seconds',
        default=10,
        help='Seconds between two reports of memory use by a guest. 0 or a negative number turns them off.',
    ),
    cfg.IntOpt(
        'tb_cache_size',
        min=0,
        help='The memory, in MiB, for the code that QEMU has translated, in guests without hardware virtualization. '
        'When it is not set, QEMU decides.',
    ),
    cfg.BoolOpt(
        'swtpm_enabled',
        default=False,
        help='Whether guests may have a TPM, which swtpm emulates. A key manager must keep its secret.',
    ),
    cfg.BoolOpt(
        'use_virtio_for_bridges',
        default=True,
        help="Whether the network cards of guests whose image names no model are virtio; otherwise the hypervisor's own choice.",
    ),
    cfg.IntOpt(
        'rx_queue_size',
        choices=[256, 512, 1024],
        help="How many packets wait in the receive queue of a guest's virtio network card. When it is not set, QEMU decides.",
    ),
    cfg.IntOpt(
        'tx_queue_size',
        choices=[256, 512, 1024],
        help="How many packets wait in the transmit queue of a guest's virtio network card. When it is not set, QEMU decides.",
    ),
    cfg.IntOpt(
        'max_queues',
        min=1,
        help='The most queues that a network card of a guest with hw:vif_multiqueue_enabled has. When it is not set, 256.',
    ),
    cfg.IntOpt(
        'num_pcie_ports',
        default=0,
        min=0,
        max=28,
        help='How many PCIe ports a guest of machine type q35 or virt has. 0 means as many as libvirt chooses.',
    ),
    cfg.StrOpt(
        'snapshots_directory',
        default='$instances_path/snapshots',
        help='The directory where images of guests are made, before they are sent to the image service.',
    ),
    cfg.StrOpt(
        'snapshot_image_format',
        choices=[
            ('raw', 'The bytes of the disk.'),
            ('qcow2', 'The usual format of QEMU, without what is empty.'),
            ('vmdk', 'For VMware.'),
            ('vdi', 'For VirtualBox.'),
        ],
        help="The format of images that are made of guests. When it is not set, that of the guest's disk.",
    ),
    cfg.BoolOpt(
        'snapshot_compression',
        default=False,
        help='Whether images that are made of guests are compressed, where their format is qcow2.',
    ),
    cfg.IntOpt(
        'wait_soft_reboot_seconds',
        default=120,
        min=0,
        help='Seconds that a guest may take to shut itself down when it is rebooted softly; then it is rebooted hard. '
        "An image's os_shutdown_timeout stands above it.",
    ),
    cfg.StrOpt(
        'rescue_image_id',
        help="The image that servers are rescued from where the user names none. When it is not set, the server's own.",
    ),
    cfg.StrOpt(
        'rescue_kernel_id',
        help='The image of the kernel that rescue_image_id is started with. When it is not set, the one that the image itself '
        'names, if any.',
    ),
    cfg.StrOpt(
        'rescue_ramdisk_id',
        help='The image of the ramdisk that rescue_image_id is started with. When it is not set, the one that the image itself '
        'names, if any.',
    ),
    cfg.IntOpt(
        'device_detach_attempts',
        default=8,
        min=1,
        help='How often a guest is asked to let go of a device before its detachment fails.',
    ),
    cfg.IntOpt(
        'device_detach_timeout',
        default=20,
        min=1,
        help='Seconds that a guest is given each time to let go of the device.',
    ),
]
