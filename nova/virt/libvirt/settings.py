"""What an operator has decided for the libvirt driver."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Settings:
    """The driver's options; `options.settings_from` reads them from the configuration."""

    host: str
    node: str
    instances_path: str
    # This program's version, which guests' firmware tables show.
    version: str = ''
    arch: str = 'x86_64'
    connection_uri: str = 'qemu:///system'
    virt_type: str = 'kvm'
    # None: host-model where there is one, otherwise the hypervisor's default.
    cpu_mode: str | None = None
    # Whether to look if the host can run `cpu_models`.
    compares_cpus: bool = True
    cpu_models: tuple[str, ...] = ()
    cpu_flags: tuple[str, ...] = ()
    # Machine type by architecture.
    machine_types: dict[str, str] = dataclasses.field(default_factory=dict)
    pcie_ports: int = 0
    # Of QEMU's translated code, with virt_type qemu; None: QEMU's own measure.
    tb_cache_mb: int | None = None
    swtpm_enabled: bool = False
    apic: bool = True
    # In MiB; 0: guests' memory is the host's.
    file_backed_memory: int = 0
    # Whether there is a firmware with secure boot; not the operator says so, but libvirt.
    secure_boot: bool = True
    # `usbtablet`, `ps2mouse` or None, for guests whose image says nothing.
    pointer_model: str | None = 'usbtablet'
    rng_device: str = '/dev/urandom'
    vnc_enabled: bool = True
    vnc_listen: str = '127.0.0.1'
    vnc_proxyclient_address: str = '127.0.0.1'
    config_drive_format: str = 'iso9660'
    mkisofs_command: str = 'genisoimage'
    # The format of guests' disks: qcow2 overlays of the cached image, or raw copies of it.
    disk_format: str = 'qcow2'
    preallocate: bool = False
    # The file system of ephemeral disks, if the operator names one; and the commands that make one, by the guest's os_type.
    ephemeral_format: str | None = None
    mkfs_commands: dict[str, str] = dataclasses.field(default_factory=dict)
    disk_prefix: str | None = None
    discard: str | None = None
    # Cache mode by kind of disk; `file` is the kind that this driver makes.
    cache_modes: dict[str, str] = dataclasses.field(default_factory=dict)
    # The model of network cards whose image names none; None: the hypervisor's choice.
    nic_model: str | None = 'virtio'
    # Sizes and number of the queues of virtio network cards; None: QEMU's own.
    rx_queue_size: int | None = None
    tx_queue_size: int | None = None
    max_queues: int | None = None
    serial_source: str = 'unique'
    memory_stats_period: int = 10
    qemu_img_memory_gb: int = 2
    qemu_img_cpu_seconds: int = 30
    # Seconds after which a guest that has not shut down is asked again.
    shutdown_retry: float = 10.0
    # A directory whose size is kept from servers, or None.
    reserved_directory: str | None = None
    # How often a guest is asked to let go of a device, and for how many seconds it is waited for each time.
    detach_attempts: int = 8
    detach_timeout: int = 20
    # The processors that guests float over, or None for all of the host's.
    shared_cpus: frozenset[int] | None = None
    # Image formats that this host does not take.
    excluded_formats: tuple[str, ...] = ()
    # Where images of guests are made; None: beside the guests. The format is the disk's own where none is named.
    snapshots_path: str | None = None
    snapshot_format: str | None = None
    snapshot_compression: bool = False
    # Whether a guest runs on while an image is made of it, where that is possible.
    live_snapshots: bool = True
