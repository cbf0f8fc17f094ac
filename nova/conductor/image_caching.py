"""Have hosts fetch images ahead of time, only so many hosts at once."""

import logging
import queue
import threading
from collections.abc import Collection, Sequence
from typing import Any

from nova import errors
from nova.context import Context
from nova.db.stores import host_mappings

LOG = logging.getLogger(__name__)


def cache_images(cloud: Any, context: Context, hosts: Collection[str], image_ids: Sequence[str], at_once: int) -> None:
    """Returns when each host has answered, or failed to: a host that is away fetches them with its first guest."""
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

    def work() -> None:
        while True:
            try:
                host = waiting.get_nowait()
            except queue.Empty:
                return
            if _cached(cloud, context, host, cells[host], image_ids):
                done.append(host)

    # Daemon threads: a conductor that ends does not wait for them, and nobody counts on all of it being done.
    workers = [
        threading.Thread(target=work, name='cache-images', daemon=True) for _number in range(min(at_once, len(cells)))
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    LOG.info('%d images are cached on %d of %d hosts.', len(image_ids), len(done), len(hosts))


def _cached(cloud: Any, context: Context, host: str, cell_id: str, image_ids: Sequence[str]) -> bool:
    try:
        outcomes = cloud.compute(host, cell_id).cache_images(context, image_ids=tuple(image_ids))
    except errors.NovaError as failure:
        LOG.warning('Images could not be cached on host %s: %s', host, failure)
        return False
    failed = [image_id for image_id, outcome in outcomes.items() if outcome == 'error']
    if failed:
        LOG.warning('Host %s could not cache the images %s; its log says why.', host, ', '.join(failed))
    return not failed
