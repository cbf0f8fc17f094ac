"""nova-compute: does on one host what the control plane asks, and tells what the host has."""

import dataclasses
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from nova import errors
from nova.clients import identity, vendor_data
from nova.clients.image import ImageClient
from nova.clients.keys import KeyClient
from nova.clients.placement import PlacementClient
from nova.compute import drivers, external_events, node_id, passwords
from nova.compute.deleted_guests import DeletedGuests
from nova.compute.guests import ConfigDrives, Guests
from nova.compute.images import Conversion, ImageCache
from nova.compute.interfaces import Interfaces
from nova.compute.inventory import Reporter, Share, gigabytes
from nova.compute.plugging import Plugging
from nova.compute.power import PowerControl
from nova.compute.rebuild import Rebuilds
from nova.compute.rescue import Rescues
from nova.compute.resize import Resizes
from nova.compute.snapshots import Snapshots
from nova.compute.tpms import Tpms
from nova.context import Context
from nova.domain.diagnostics import Diagnostics
from nova.domain.external_event import ExternalEvent
from nova.domain.guest import ConsoleAddress, Guest
from nova.domain.image import Image
from nova.domain.lifecycle import Power
from nova.domain.snapshot import Quiesce, Snapshot
from nova.rpc.bus import Bus
from nova.rpc.compute import Compute
from nova.rpc.conductor import Conductor
from nova.virt import driver

LOG = logging.getLogger(__name__)

USUAL_LOOK_INTERVAL = 60.0
LEAST_IMAGE_AGE = 600.0


@dataclasses.dataclass(frozen=True)
class Expiry:
    """How often cached images that no guest uses are looked for, and for how long they are kept, in seconds."""

    interval: float
    min_age: float


def build(conf: Any) -> 'ComputeService':
    """The service as the options describe it. Refuses what cannot work; connects to nothing yet."""
    hypervisor = drivers.build(conf)
    bus = Bus(conf)
    conductor = bus.client(Conductor)
    placement = PlacementClient(identity.adapter(conf, 'placement'))
    glance = ImageClient(identity.adapter(conf, 'glance'), attempts=conf.glance.num_retries + 1)
    images = image_cache(conf, glance)
    guests = Guests(
        hypervisor,
        images,
        conductor,
        conf.host,
        config_drives(conf),
        conf.max_concurrent_builds,
        tpms=tpms_of(conf, hypervisor),
        plugging=Plugging(conf.vif_plugging_timeout, conf.vif_plugging_is_fatal),
        most_compared=conf.sync_power_state_pool_size,
    )
    return ComputeService(
        conf.host,
        hypervisor,
        guests,
        images,
        reporter_of(conf, hypervisor, conductor, placement),
        bus,
        neighbours=(placement.neighbour, glance.neighbour),
        compare_interval=conf.sync_power_state_interval,
        expiry=expiry(conf),
        reread=lambda: (config_drives(conf), share(conf)),
        power=PowerControl(hypervisor, guests, conf.shutdown_timeout, conf.libvirt.wait_soft_reboot_seconds),
        rescues=rescues_of(conf, hypervisor, guests, images, glance),
        resume_guests=conf.resume_guests_state_on_host_boot,
        deleted_guests=deleted_guests_of(conf, hypervisor, guests, conductor),
        deleted_guests_interval=conf.running_deleted_instance_poll_interval,
        snapshots=Snapshots(hypervisor, guests, glance, conf.max_concurrent_snapshots),
        hears_events=conf.workarounds.handle_virt_lifecycle_events,
    )


def image_cache(conf: Any, glance: ImageClient) -> ImageCache:
    return ImageCache(
        os.path.join(conf.instances_path, conf.image_cache.subdirectory_name),
        glance,
        force_raw=conf.force_raw_images,
        conversion=Conversion(conf.libvirt.images_address_space_limit),
        max_conversions=conf.compute.max_concurrent_disk_ops,
        vmdk_types=conf.compute.vmdk_allowed_types,
    )


def reporter_of(conf: Any, hypervisor: Any, conductor: Any, placement: PlacementClient) -> Reporter:
    looks = conf.update_resources_interval
    return Reporter(
        hypervisor,
        conductor,
        placement,
        conf.host,
        node_id.ensure(conf.state_path),
        share(conf),
        host_ip=conf.my_ip,
        interval=conf.report_interval,
        look_interval=None if looks < 0 else float(looks) or USUAL_LOOK_INTERVAL,
        refresh_interval=conf.compute.resource_provider_association_refresh,
    )


def rescues_of(conf: Any, hypervisor: Any, guests: Guests, images: ImageCache, glance: ImageClient) -> Rescues:
    return Rescues(
        hypervisor,
        guests,
        images,
        glance,
        conf.libvirt.rescue_image_id,
        shutdown_timeout=conf.shutdown_timeout,
        kernel_id=conf.libvirt.rescue_kernel_id,
        ramdisk_id=conf.libvirt.rescue_ramdisk_id,
    )


def deleted_guests_of(conf: Any, hypervisor: Any, guests: Guests, conductor: Any) -> DeletedGuests:
    return DeletedGuests(
        hypervisor,
        guests,
        conductor,
        conf.host,
        conf.running_deleted_instance_action,
        conf.running_deleted_instance_timeout,
    )


def expiry(conf: Any) -> Expiry | None:
    options = conf.image_cache
    if options.manager_interval < 0 or not options.remove_unused_base_images:
        return None
    # A guest that is being made must find its image.
    min_age = max(LEAST_IMAGE_AGE, options.remove_unused_original_minimum_age_seconds)
    return Expiry(options.manager_interval or USUAL_LOOK_INTERVAL, min_age)


def tpms_of(conf: Any, hypervisor: Any) -> Tpms | None:
    if not (conf.libvirt.swtpm_enabled and isinstance(hypervisor, driver.Tpms)):
        return None
    return Tpms(hypervisor, KeyClient(conf), os.path.join(conf.state_path, 'secrets-to-delete'))


def config_drives(conf: Any) -> ConfigDrives:
    api = conf.api
    return ConfigDrives(
        site=vendor_data.site(api.dhcp_domain, api.vendordata_providers, api.vendordata_jsonfile_path),
        always=conf.force_config_drive,
        skip_versions=frozenset(api.config_drive_skip_versions.split()),
        vendor=vendor_data.for_servers(conf),
    )


def share(conf: Any) -> Share:
    return Share(
        reserved_vcpus=conf.reserved_host_cpus,
        reserved_memory_mb=conf.reserved_host_memory_mb,
        reserved_disk_gb=gigabytes(conf.reserved_host_disk_mb),
        cpu_ratio=conf.cpu_allocation_ratio,
        memory_ratio=conf.ram_allocation_ratio,
        disk_ratio=conf.disk_allocation_ratio,
        initial_cpu_ratio=conf.initial_cpu_allocation_ratio,
        initial_memory_ratio=conf.initial_ram_allocation_ratio,
        initial_disk_ratio=conf.initial_disk_allocation_ratio,
    )


class ComputeService:
    """The Compute contract's endpoint, and the daemon around it. Never opens a database."""

    def __init__(
        self,
        host: str,
        hypervisor: Any,
        guests: Guests,
        images: ImageCache,
        reporter: Reporter,
        bus: Any,
        neighbours: Iterable[Any] = (),
        compare_interval: float = 600.0,
        expiry: Expiry | None = None,
        reread: Callable[[], tuple[ConfigDrives, Share]] | None = None,
        power: PowerControl | None = None,
        rescues: Rescues | None = None,
        snapshots: Snapshots | None = None,
        resume_guests: bool = False,
        deleted_guests: DeletedGuests | None = None,
        deleted_guests_interval: float = 1800.0,
        hears_events: bool = True,
    ):
        self._host, self._hypervisor, self._guests, self._images = host, hypervisor, guests, images
        self._reporter, self._bus, self._neighbours = reporter, bus, tuple(neighbours)
        self._compare_interval, self._expiry, self._reread = compare_interval, expiry, reread
        self._power = power or PowerControl(hypervisor, guests)
        self._resume_guests, self._hears_events = resume_guests, hears_events
        self._deleted_guests, self._deleted_guests_interval = deleted_guests, deleted_guests_interval
        self._interfaces = Interfaces(hypervisor, guests)
        self._rebuilds = Rebuilds(hypervisor, guests, images)
        self._resizes = Resizes(hypervisor, guests)
        self._rescues = rescues or Rescues(hypervisor, guests, images)
        self._snapshots = snapshots or Snapshots(hypervisor, guests, images.client)
        self._server: Any = None
        self._prepared = False
        self._stopping = threading.Event()
        self.checks: dict[str, Callable[[], None]] = {'host': reporter.check, 'bus': bus.check}

    # The daemon

    def start(self) -> None:
        """Serve, and report. What this host lacks meanwhile is said in its reports and does not keep it from serving."""
        if not self._prepared:
            self._images.clean()
            self._snapshots.clean()
            if self._hears_events and isinstance(self._hypervisor, driver.Events):
                self._hypervisor.listen(self._guest_changed)
            self._prepared = True
        self._bus.check()
        if self._server is None:
            self._server = self._bus.serve(Compute, self, self._host)
            self._server.start()
        self._reporter.start()
        threading.Thread(target=self._compare, name='compare-guests', daemon=True).start()
        if self._deleted_guests and self._deleted_guests_interval >= 0:
            threading.Thread(target=self._end_deleted, name='deleted-guests', daemon=True).start()
        if self._expiry:
            threading.Thread(target=self._expire, name='expire-images', daemon=True).start()

    def stop(self, deadline_seconds: float) -> None:
        """Take no new work, and finish what is being done to guests, within the deadline."""
        until = time.monotonic() + deadline_seconds
        self._stopping.set()
        self._reporter.stop()
        self._guests.plugging.close()
        if self._server:
            self._server.stop()
        while self._guests.busy and time.monotonic() < until:
            time.sleep(0.05)
        if isinstance(self._hypervisor, driver.Events):
            self._hypervisor.close()
        self._bus.close()

    def reload(self) -> None:
        if self._reread:
            self._guests.config_drives, self._reporter.share = self._reread()
        self._reporter.report_whole()

    def metrics(self, registry: Any) -> None:
        registry.register(self)
        for neighbour in self._neighbours:
            neighbour.register(registry)

    def collect(self) -> Iterable[Any]:
        """For a Prometheus registry."""
        done = CounterMetricFamily('nova_guest_calls', 'What was done to guests.', labels=('outcome',))
        for outcome, count in self._guests.counts.items():
            done.add_metric((outcome,), count)
        yield done
        yield GaugeMetricFamily('nova_guests_busy', 'Guests being made or removed.', value=self._guests.busy)
        yield GaugeMetricFamily(
            'nova_guests_unexpected', 'Guests here that no server should have.', value=self._guests.unexpected
        )
        yield CounterMetricFamily('nova_images_fetched', 'Images fetched into the cache.', value=self._images.fetched)

    # The contract

    def ensure_guest(self, context: Context, guest: Guest) -> Power:
        began = time.monotonic()
        power = self._guests.ensure(guest)
        LOG.info('Guest %s of server %s runs, after %d ms.', guest.name, guest.id, (time.monotonic() - began) * 1000)
        return power

    def remove_guest(
        self, context: Context, server_id: str, guest_name: str | None, destroy_disks: bool = True
    ) -> None:
        self._guests.remove(server_id, guest_name, destroy_disks)
        LOG.info('Guest %s of server %s is removed.', guest_name, server_id)

    def stop_guest(self, context: Context, server_id: str, timeout: int | None = None) -> Power:
        return self._power.stop(server_id, timeout)

    def reboot_guest(self, context: Context, guest: Guest, timeout: int | None = None) -> Power:
        return self._power.reboot(guest, timeout)

    def pause_guest(self, context: Context, server_id: str) -> Power:
        return self._power.pause(server_id)

    def unpause_guest(self, context: Context, server_id: str) -> Power:
        return self._power.unpause(server_id)

    def suspend_guest(self, context: Context, server_id: str) -> Power:
        return self._power.suspend(server_id)

    def dump_guest(self, context: Context, server_id: str) -> None:
        self._power.crash_dump(server_id)

    def take_snapshot(self, context: Context, server_id: str, image_id: str, quiesce: Quiesce = Quiesce.NO) -> Snapshot:
        taken = self._snapshots.take(server_id, image_id, quiesce)
        LOG.info('Guest of server %s is copied as image %s: %d bytes.', server_id, image_id, taken.size)
        return taken

    def upload_snapshot(self, context: Context, server_id: str, image_id: str) -> None:
        self._snapshots.upload(server_id, image_id)

    def discard_snapshot(self, context: Context, server_id: str, image_id: str) -> None:
        self._snapshots.discard(server_id, image_id)

    def check_password_change(self, context: Context, server_id: str) -> None:
        passwords.check(self._hypervisor, server_id)

    def set_password(self, context: Context, server_id: str, user: str, password: str) -> None:
        passwords.change(self._hypervisor, self._guests, server_id, user, password)

    def prepare_rebuild(self, context: Context, guest: Guest) -> None:
        self._rebuilds.prepare(guest)

    def replace_disks(self, context: Context, guest: Guest) -> Power:
        return self._rebuilds.replace(guest)

    def discard_rebuild(self, context: Context, server_id: str) -> None:
        self._rebuilds.discard(server_id)

    def rescue_guest(
        self, context: Context, guest: Guest, image: Image | None = None, timeout: int | None = None
    ) -> Power:
        return self._rescues.rescue(guest, image, timeout)

    def unrescue_guest(self, context: Context, guest: Guest, start: bool = True) -> Power:
        return self._rescues.unrescue(guest, start)

    def resize_disks(self, context: Context, guest: Guest) -> None:
        began = time.monotonic()
        self._resizes.resize(guest)
        LOG.info('Server %s has disks of other sizes, after %d ms.', guest.id, (time.monotonic() - began) * 1000)

    def restore_disks(self, context: Context, server_id: str) -> None:
        self._resizes.restore(server_id)

    def forget_old_disks(self, context: Context, server_id: str) -> None:
        self._resizes.forget(server_id)

    def diagnose_guest(self, context: Context, server_id: str) -> Diagnostics:
        return self._guests.diagnose(server_id)

    def observe_guest(self, context: Context, server_id: str) -> Power | None:
        seen = self._hypervisor.observe(server_id)
        return seen.power if seen else None

    def attach_interface(self, context: Context, guest: Guest, port_id: str) -> None:
        self._interfaces.attach(guest, port_id)

    def detach_interface(self, context: Context, server_id: str, port_id: str) -> None:
        self._interfaces.detach(server_id, port_id)

    def describe_network(self, context: Context, guest: Guest) -> None:
        self._interfaces.describe(guest)

    def console_output(self, context: Context, server_id: str, length: int | None = None) -> str:
        return self._guests.console_output(server_id, length)

    def console_address(self, context: Context, server_id: str, kind: str) -> ConsoleAddress:
        return self._guests.console_address(server_id, kind)

    def report_now(self, context: Context) -> None:
        self._reporter.report_whole()

    def take_servers(self, context: Context, enabled: bool) -> None:
        self._reporter.take_servers(enabled)

    def cache_images(self, context: Context, image_ids: tuple[str, ...]) -> dict[str, str]:
        return {image_id: self._cached(context, image_id) for image_id in image_ids}

    def _cached(self, context: Context, image_id: str) -> str:
        try:
            fetched = self._images.prefetch(context, image_id)
        except errors.NovaError as failure:
            LOG.warning('Image %s could not be cached ahead of time: %s', image_id, failure)
            return 'error'
        LOG.info('Image %s is cached%s.', image_id, '' if fetched else ', as before')
        return 'cached' if fetched else 'existing'

    def external_events(self, context: Context, events: tuple[ExternalEvent, ...]) -> None:
        external_events.arrive(events, self._hypervisor, self._guests, self._interfaces)

    def stop_waiting(self, context: Context, server_id: str) -> None:
        self._guests.plugging.give_up(server_id)

    def _guest_changed(self, server_id: str, power: Power | None) -> None:
        try:
            self._guests.changed(server_id, power)
        except errors.ServiceDown as failure:
            LOG.warning('The conductors were not told that guest %s changed: %s', server_id, failure)

    def _compare(self) -> None:
        """Once at start, as soon as the conductors answer; then now and then."""
        pause, resume = 1.0, self._resume_guests
        while not self._stopping.is_set():
            try:
                self._snapshots.let_go()
                self._guests.compare(resume)
            except errors.NovaError as failure:
                LOG.warning('The guests of this host cannot be compared yet: %s', failure)
                pause = min(pause * 2, 60.0)
            except Exception:
                LOG.exception('The guests of this host could not be compared.')
                pause = 60.0
            else:
                resume = False
                if self._compare_interval < 0:
                    return
                pause = self._compare_interval or USUAL_LOOK_INTERVAL
            self._stopping.wait(pause)

    def _end_deleted(self) -> None:
        while not self._stopping.wait(self._deleted_guests_interval or USUAL_LOOK_INTERVAL):
            try:
                self._deleted_guests.look()
            except Exception:
                LOG.exception('Guests of deleted servers could not be looked for.')

    def _expire(self) -> None:
        while not self._stopping.wait(self._expiry.interval):
            try:
                for name in self._images.expire(frozenset(self._hypervisor.leftovers()), self._expiry.min_age):
                    LOG.info('Removed the cached image %s, which no guest uses.', name)
            except Exception:
                LOG.exception('Cached images could not be looked through.')
