"""Hosts and daemons of all cells, as several resources show them."""

import dataclasses
import datetime
from typing import Any

from nova import errors
from nova.api.request import Request
from nova.db.stores import aggregates, host_mappings, services
from nova.db.stores import hosts as host_store
from nova.domain.cell import Cell, Down
from nova.domain.host import Host, Service

COMPUTE = 'nova-compute'


@dataclasses.dataclass(frozen=True)
class Found:
    """What the cells answered, and the cells that did not."""

    items: tuple[Any, ...]
    down: tuple[Cell, ...]


def all_hosts(request: Request) -> list[Host]:
    """Every host of every cell that answers, cell by cell, in the order in which they came."""
    return list(gather(request, lambda tx, cell: host_store.listing(tx, cell.id), skip_cell0=True).items)


def all_services(request: Request, host: str | None = None, binary: str | None = None) -> Found:
    """The daemons' records, each with its availability zone."""
    found = gather(request, lambda tx, cell: services.listing(tx, cell.id, host, binary))
    with request.databases.api.reading() as tx:
        zones = aggregates.zones(tx)
    zoned = tuple(dataclasses.replace(item, availability_zone=_zone(request, item, zones)) for item in found.items)
    return Found(zoned, found.down)


def hosts_of(request: Request, cells: tuple[Cell, ...]) -> list[str]:
    """The names of the hosts in cells that do not answer; the API database knows them."""
    away = {cell.id for cell in cells}
    with request.databases.api.reading() as tx:
        return [host for host, cell_id in host_mappings.listing(tx) if cell_id in away]


def service_up(request: Request, service: Service) -> bool:
    if service.forced_down or service.seen_at is None:
        return False
    age = request.services.clock() - service.seen_at
    return age <= datetime.timedelta(seconds=request.settings.service_down_time)


def shown_moment(moment: datetime.datetime | None) -> str | None:
    """A moment as old resources show it: in UTC, without saying so."""
    return moment.astimezone(datetime.UTC).strftime('%Y-%m-%dT%H:%M:%S.%f') if moment else None


def only_one(found: Found, missing: str, name: str) -> Any:
    """The thing that was looked for in all cells. A number is unique in its cell only: two cells may have it."""
    refuse_nothing(found, missing)
    if len(found.items) > 1:
        raise errors.Invalid(f'{name} is found in several cells. Use microversion 2.53 or greater, and the UUID.')
    return found.items[0]


def refuse_nothing(found: Found, missing: str) -> None:
    """Raise NotFound if nothing was found; ServiceDown if it may be in a cell that did not answer."""
    if found.items:
        return
    if found.down:
        raise errors.ServiceDown(
            f'{missing.removesuffix(".")}. But cell {found.down[0].name or found.down[0].id} does not answer.'
        )
    raise errors.NotFound(missing)


def gather(request: Request, work: Any, skip_cell0: bool = False) -> Found:
    """What `work(tx, cell)` gives in each cell, one after the other, and the cells that are down."""
    asked = [cell for cell in request.databases.cells() if not (skip_cell0 and cell.is_cell0)]
    answers = request.databases.across_cells(work, cells=asked)
    items = tuple(item for answer in answers.values() if not isinstance(answer, Down) for item in answer)
    down = tuple(cell for cell, answer in answers.items() if isinstance(answer, Down))
    if down and not request.settings.list_skips_down_cells:
        raise errors.ServiceDown(f'Cell {down[0].name or down[0].id} does not answer.')
    return Found(items, down)


def _zone(request: Request, service: Service, zones: dict[str, str]) -> str:
    if service.binary != COMPUTE:
        return request.settings.internal_availability_zone
    return zones.get(service.host, request.settings.default_availability_zone)
