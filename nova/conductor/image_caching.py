"""Have hosts fetch images ahead of time, only so many hosts at once."""

import contextlib
import logging
import queue
import threading
from collections.abc import Collection, Sequence
from typing import Any

from nova import errors
from nova.context import Context
from nova.db.stores import aggregates, host_mappings
from nova.domain.notifications import payloads

LOG = logging.getLogger(__name__)


def cache_images(
    cloud: Any,
    context: Context,
    hosts: Collection[str],
    image_ids: Sequence[str],
    at_once: int,
    aggregate_id: int | None = None,
) -> None:
    """Returns when each host has answered, or failed to: a host that is away fetches them with its first guest.

    The world is told how far it is with the aggregate, if there is one.
    """
    try:
        with cloud.databases.api.reading() as tx:
            cells = {host: cell for host, cell in host_mappings.listing(tx) if host in hosts}
    except errors.ServiceDown as failure:
        LOG.warning('Images are not cached ahead of time: %s', failure)
        return
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for host in cells:
        waiting.put(host)
    done: list[str] = []
    news = News(cloud, aggregate_id, len(cells))

    def work() -> None:
        while True:
            try:
                host = waiting.get_nowait()
            except queue.Empty:
                return
            failed = _failed(cloud, context, host, cells[host], image_ids)
            if not failed:
                done.append(host)
            news.of_host(host, [image_id for image_id in image_ids if image_id not in failed], failed)

    # Daemon threads: a conductor that ends does not wait for them, and nobody counts on all of it being done.
    workers = [
        threading.Thread(target=work, name='cache-images', daemon=True) for _number in range(min(at_once, len(cells)))
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    news.end()
    LOG.info('%d images are cached on %d of %d hosts.', len(image_ids), len(done), len(hosts))


def _failed(cloud: Any, context: Context, host: str, cell_id: str, image_ids: Sequence[str]) -> list[str]:
    """The images that the host does not have now."""
    try:
        outcomes = cloud.compute(host, cell_id).cache_images(context, image_ids=tuple(image_ids))
    except errors.NovaError as failure:
        LOG.warning('Images could not be cached on host %s: %s', host, failure)
        return list(image_ids)
    failed = [image_id for image_id, outcome in outcomes.items() if outcome == 'error']
    if failed:
        LOG.warning('Host %s could not cache the images %s; its log says why.', host, ', '.join(failed))
    return failed


class News:
    """What the world is told of an aggregate whose hosts fetch images."""

    def __init__(self, cloud: Any, aggregate_id: int | None, hosts: int):
        self._notifier, self._hosts, self._heard = cloud.notifier, hosts, 0
        self._aggregate: Any = None
        self._lock = threading.Lock()
        if aggregate_id is not None and self._notifier.on:
            # An aggregate that is gone by now is of no interest any more.
            with contextlib.suppress(errors.NotFound), cloud.databases.api.reading() as tx:
                self._aggregate = aggregates.get(tx, aggregate_id)

    def of_host(self, host: str, cached: Sequence[str], failed: Sequence[str]) -> None:
        if self._aggregate is None:
            return
        with self._lock:
            self._heard += 1
            self._tell(
                'progress', payloads.aggregate_images(self._aggregate, host, self._heard, self._hosts, cached, failed)
            )

    def end(self) -> None:
        if self._aggregate is not None:
            self._tell('end', payloads.aggregate(self._aggregate))

    def _tell(self, what: str, payload: dict[str, Any]) -> None:
        told = self._notifier.notification('nova-conductor', f'aggregate.cache_images.{what}', payload)
        self._notifier.send([told])
