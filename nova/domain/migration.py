"""A migration: one move of a server from host to host, or to another flavor, as administrators see it."""

import dataclasses
import datetime
from typing import Any

LIVE = 'live-migration'
COLD = 'migration'
RESIZE = 'resize'
EVACUATION = 'evacuation'
KINDS = (LIVE, COLD, RESIZE, EVACUATION)

# A live migration can be looked at, completed by force, or aborted, while it is in one of these.
LIVE_IN_PROGRESS = ('queued', 'preparing', 'running', 'post-migrating')
# A move that waits for its user to keep it or to go back; CONFIRMING and REVERTING say which of them has begun.
FINISHED, CONFIRMING, REVERTING = 'finished', 'confirming', 'reverting'
UNDECIDED = (FINISHED, CONFIRMING, REVERTING)
# In these a migration does not need its hosts any more.
OVER = ('accepted', 'cancelled', 'completed', 'confirmed', 'done', 'error', 'failed', 'reverted')


@dataclasses.dataclass(frozen=True)
class Migration:
    """One move. `number` is unique in its cell. Progress is in bytes, and known of live migrations only."""

    id: str
    server_id: str
    kind: str
    status: str
    number: int | None = None
    source_compute: str | None = None
    source_node: str | None = None
    dest_compute: str | None = None
    dest_node: str | None = None
    # The address of the destination.
    dest_host: str | None = None
    old_flavor_id: str | None = None
    new_flavor_id: str | None = None
    user_id: str | None = None
    project_id: str | None = None
    hidden: bool = False
    memory_total: int | None = None
    memory_processed: int | None = None
    memory_remaining: int | None = None
    disk_total: int | None = None
    disk_processed: int | None = None
    disk_remaining: int | None = None
    created_at: datetime.datetime | None = None
    updated_at: datetime.datetime | None = None

    @property
    def in_progress(self) -> bool:
        """Whether it is a live migration under way."""
        return self.kind == LIVE and self.status in LIVE_IN_PROGRESS

    @property
    def position(self) -> tuple[Any, ...]:
        """Where it stands in a list, newest first; the marker of the page after it."""
        return self.created_at, self.number, self.id


@dataclasses.dataclass(frozen=True)
class MigrationQuery:
    """Which migrations, newest first. `host` is either end of the move."""

    server_id: str | None = None
    kind: str | None = None
    status: str | None = None
    source_compute: str | None = None
    host: str | None = None
    hidden: bool | None = None
    user_id: str | None = None
    project_id: str | None = None
    changes_since: datetime.datetime | None = None
    changes_before: datetime.datetime | None = None
    limit: int | None = None
    # The `position` of the last migration of the page before.
    marker: tuple[Any, ...] | None = None
