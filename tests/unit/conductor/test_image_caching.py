"""Hosts fetch images ahead of time, in turn or a few at once."""

import threading
import types

import pytest

from nova import errors
from nova.conductor.image_caching import cache_images
from nova.context import admin_context
from nova.db.stores import host_mappings
from nova.rpc.notifier import SILENT
from tests.fakes.world import CELL, make_databases

HOSTS = ('h1', 'h2', 'h3', 'h4')


class Cloud:
    """Hosts that note what they are asked to fetch, and how many of them are at it at once."""

    def __init__(self, directory):
        self.databases, self.notifier = make_databases(directory), SILENT
        with self.databases.api.writing() as tx:
            host_mappings.add(tx, CELL, [*HOSTS, 'other'])
        self.asked, self.away, self.most, self._busy = [], set(), 0, 0
        self._lock = threading.Lock()
        self.together: threading.Barrier | None = None

    def compute(self, host, cell_id):
        assert cell_id == CELL
        return types.SimpleNamespace(cache_images=lambda context, image_ids: self._cache(host, image_ids))

    def _cache(self, host, image_ids):
        with self._lock:
            self._busy += 1
            self.most = max(self.most, self._busy)
            self.asked.append((host, image_ids))
        try:
            if self.together:
                self.together.wait(30)
            if host in self.away:
                raise errors.HostAway(f'No answer from {host}.')
            return dict.fromkeys(image_ids, 'cached')
        finally:
            with self._lock:
                self._busy -= 1


@pytest.fixture
def cloud(tmp_path):
    return Cloud(tmp_path)


def test_hosts_are_asked_in_turn(cloud):
    cache_images(cloud, admin_context(), HOSTS, ('i', 'j'), at_once=1)
    assert cloud.asked == [(host, ('i', 'j')) for host in HOSTS]
    assert cloud.most == 1


def test_as_many_hosts_are_busy_at_once_as_the_option_says(cloud):
    cloud.together = threading.Barrier(2)
    cache_images(cloud, admin_context(), HOSTS, ('i',), at_once=2)
    assert sorted(host for host, _images in cloud.asked) == list(HOSTS)
    assert cloud.most == 2


def test_a_host_that_is_away_keeps_no_other_from_it(cloud):
    cloud.away = {'h1'}
    cache_images(cloud, admin_context(), ('h1', 'h2', 'gone'), ('i',), at_once=1)
    assert [host for host, _images in cloud.asked] == ['h1', 'h2']
