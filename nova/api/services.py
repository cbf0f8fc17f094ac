"""What the handlers work with: the databases, the bus, the neighbours, and the settings."""

import dataclasses
import datetime
from collections.abc import Callable
from typing import Any

from nova.api.flavor_cache import FlavorCache
from nova.clients import identity
from nova.clients.image import ImageClient
from nova.clients.network import NetworkClient
from nova.clients.placement import PlacementClient
from nova.clients.volume import Cinder, VolumeClient
from nova.db import engine
from nova.operations.cloud import bus_url
from nova.rpc import notifier
from nova.rpc.bus import Bus
from nova.rpc.compute import Compute
from nova.rpc.conductor import Conductor
from nova.rpc.notifier import SILENT, Notifier

DEFAULT_QUOTAS = {
    'instances': 10,
    'cores': 20,
    'ram': 51200,
    'metadata_items': 128,
    'injected_files': 5,
    'injected_file_content_bytes': 10240,
    'injected_file_path_bytes': 255,
    'key_pairs': 100,
    'server_groups': 10,
    'server_group_members': 10,
}


@dataclasses.dataclass(frozen=True)
class Settings:
    """The options that the API obeys, read once."""

    max_limit: int = 1000
    compute_link_prefix: str | None = None
    image_link_prefix: str | None = None
    max_body_bytes: int = 114688
    # Whether a proxy in front of the API tells how clients reach it.
    behind_proxy: bool = False
    flavor_cache_age: float = 1.0
    service_down_time: int = 60
    default_availability_zone: str = 'nova'
    default_schedule_zone: str | None = None
    internal_availability_zone: str = 'internal'
    quotas: dict[str, int] = dataclasses.field(default_factory=lambda: dict(DEFAULT_QUOTAS))
    quota_driver: str = 'nova.quota.DbQuotaDriver'
    enable_instance_password: bool = True
    password_length: int = 12
    list_skips_down_cells: bool = True
    unique_server_name_scope: str = ''
    max_local_block_devices: int = 3
    vnc_enabled: bool = True
    novncproxy_base_url: str = 'http://127.0.0.1:6080/vnc_auto.html'
    console_token_ttl: int = 600
    instance_name_template: str = 'instance-%08x'
    operation_deadline: int = 3600
    default_floating_pool: str = 'nova'
    usage_audit_period: str = 'month'
    non_inheritable_image_properties: tuple[str, ...] = ('cache_in_nova', 'bittorrent')
    # Where it is positive, servers that are deleted can be restored for so many seconds.
    reclaim_interval: int = 0
    # How many seconds a caller waits who attaches an interface.
    interface_attach_timeout: float = 300.0

    @classmethod
    def of(cls, conf: Any) -> 'Settings':
        names = {'injected_file_path_bytes': 'injected_file_path_length'}
        return cls(
            max_limit=conf.api.max_limit,
            compute_link_prefix=conf.api.compute_link_prefix,
            image_link_prefix=conf.api.glance_link_prefix,
            max_body_bytes=conf.oslo_middleware.max_request_body_size,
            behind_proxy=conf.oslo_middleware.enable_proxy_headers_parsing,
            service_down_time=conf.service_down_time,
            default_availability_zone=conf.default_availability_zone,
            default_schedule_zone=conf.default_schedule_zone,
            internal_availability_zone=conf.internal_service_availability_zone,
            quotas={name: conf.quota[names.get(name, name)] for name in DEFAULT_QUOTAS},
            quota_driver=conf.quota.driver,
            enable_instance_password=conf.api.enable_instance_password,
            password_length=conf.password_length,
            list_skips_down_cells=conf.api.list_records_by_skipping_down_cells,
            unique_server_name_scope=conf.osapi_compute_unique_server_name_scope,
            max_local_block_devices=conf.max_local_block_devices,
            vnc_enabled=conf.vnc.enabled,
            novncproxy_base_url=conf.vnc.novncproxy_base_url,
            console_token_ttl=conf.consoleauth.token_ttl,
            instance_name_template=conf.instance_name_template,
            operation_deadline=conf.operations.deadline,
            default_floating_pool=conf.neutron.default_floating_pool,
            usage_audit_period=conf.instance_usage_audit_period,
            non_inheritable_image_properties=tuple(conf.non_inheritable_image_properties),
            reclaim_interval=conf.reclaim_instance_interval,
        )


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


@dataclasses.dataclass(frozen=True)
class Services:
    """`databases` is a nova.db.engine.Databases, `bus` a nova.rpc.bus.Bus; the neighbours are nova.clients' classes.

    `clock` tells the time in UTC.
    """

    databases: Any
    bus: Any = None
    settings: Settings = dataclasses.field(default_factory=Settings)
    images: Any = None
    network: Any = None
    placement: Any = None
    identity: Any = None
    clock: Callable[[], datetime.datetime] = now
    flavors: FlavorCache = None  # type: ignore[assignment]
    volumes: Any = None
    notifier: Notifier = SILENT

    def __post_init__(self):
        if self.flavors is None:
            cache = FlavorCache(self.databases, self.settings.flavor_cache_age)
            object.__setattr__(self, 'flavors', cache)

    def prepare(self) -> None:
        """Load what is needed only at first use. Connects to nothing."""
        self.databases.prepare()
        self.bus.prepare()

    @property
    def instance_name_template(self) -> str:
        return self.settings.instance_name_template

    @property
    def operation_deadline(self) -> int:
        return self.settings.operation_deadline

    def conductor(self, cell_id: str | None) -> Any:
        """The conductors of a cell."""
        return self.bus.client(Conductor, url=bus_url(self.databases, cell_id))

    def compute(self, host: str, cell_id: str | None) -> Any:
        """The host's side of the Compute contract."""
        return self.bus.client(Compute, host=host, url=bus_url(self.databases, cell_id))


def of(conf: Any, settings: Settings, databases: engine.Databases | None = None) -> Services:
    """The services that the options name, on the databases of this process. They connect when they are used."""
    return Services(
        databases=databases or engine.Databases.from_conf(conf),
        bus=Bus(conf),
        settings=settings,
        images=ImageClient(identity.adapter(conf, 'glance'), for_user=identity.for_user(conf, 'glance')),
        network=NetworkClient(
            identity.adapter(conf, 'neutron'),
            identity.for_user(conf, 'neutron'),
            extension_age=conf.neutron.extension_sync_interval,
        ),
        placement=PlacementClient(identity.adapter(conf, 'placement')),
        identity=identity.keystone(conf),
        volumes=VolumeClient(Cinder(conf)),
        notifier=notifier.of(conf),
    )


def checks(services: Callable[[], Services]) -> dict[str, Callable[[], None]]:
    """What must answer before the API can do its work."""
    return {
        'database': lambda: services().databases.check(),
        'bus': lambda: services().bus.check(),
        'keystone': lambda: services().identity.check(),
        'glance': lambda: services().images.check(),
        'placement': lambda: services().placement.check(),
        'network': lambda: services().network.ping(),
    }
