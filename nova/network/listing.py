"""Turn a list request's query into SQL: filters, order, page; and the links to the next page."""

import dataclasses
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from nova.network import attributes, faults
from nova.network.resources.resource import Resource

PAGING = {'limit', 'marker', 'page_reverse', 'sort_key', 'sort_dir', 'fields'}


@dataclasses.dataclass(frozen=True)
class Page:
    rows: Sequence[sa.Row]
    limit: int | None = None
    has_more: bool = False


def fetch(tx: sa.Connection, resource: Resource, caller: Any, query: Any, max_limit: int) -> Page:
    """The rows that the caller may see and asked for; `query` is WebOb's multi-valued dictionary."""
    table = resource.table
    wanted = sa.select(table).where(resource.visible(caller), *_filters(resource, query))
    limit, is_limited = _limit(query, max_limit)
    backwards = _backwards(query)
    order = _order(resource, query)
    if marker := query.get('marker'):
        row = tx.execute(sa.select(table).where(table.c.id == marker, resource.visible(caller))).one_or_none()
        if row is None:
            raise faults.not_found(resource.label, marker)
        wanted = wanted.where(_after(order, row._mapping, backwards))
    for column, descending in order:
        wanted = wanted.order_by(column.desc() if descending != backwards else column.asc())
    rows = list(tx.execute(wanted.limit(limit + 1)))
    has_more, rows = len(rows) > limit, rows[:limit]
    return Page(rows[::-1] if backwards else rows, limit if is_limited or has_more else None, has_more)


def links(page: Page, url: str, query: Any) -> list[dict[str, str]]:
    """Links to the pages after and before, as Neutron gives them when a limit is in force."""
    if page.limit is None or not page.rows:
        return []
    rest = [(key, value) for key, value in query.items() if key not in ('marker', 'page_reverse', 'limit')]
    backwards = _backwards(query)

    def link(rel: str, marker: str, *extra: tuple[str, str]) -> dict[str, str]:
        encoded = urllib.parse.urlencode([*rest, ('limit', str(page.limit)), ('marker', marker), *extra])
        return {'rel': rel, 'href': f'{url}?{encoded}'}

    found = []
    if page.has_more or backwards:
        found.append(link('next', page.rows[-1].id))
    if query.get('marker') and (page.has_more or not backwards):
        found.append(link('previous', page.rows[0].id, ('page_reverse', 'True')))
    return found


def only(views: list[dict[str, Any]], query: Any) -> list[dict[str, Any]]:
    """The views with no more than the fields that were asked for."""
    wanted = set(query.getall('fields'))
    return [{key: view[key] for key in view if key in wanted} for view in views] if wanted else views


def _filters(resource: Resource, query: Any) -> list[sa.ColumnElement[bool]]:
    clauses = []
    for name in dict.fromkeys(query.keys()):
        if name in PAGING:
            continue
        values = query.getall(name)
        if name in resource.filters:
            clauses.append(resource.filters[name](values))
        elif (column := resource.column(name)) is not None:
            clauses.append(column.in_([_typed(column, name, value) for value in values]))
        else:
            raise faults.bad_request(f"'{name}' is not a valid attribute for filtering {resource.collection}.")
    return clauses


def _typed(column: sa.Column, name: str, value: str) -> Any:
    try:
        if isinstance(column.type, sa.Boolean):
            return attributes.boolean(value)
        if isinstance(column.type, sa.Integer):
            return attributes.whole(-(2**31), 2**31 - 1)(value)
    except ValueError as failure:
        raise faults.bad_request(f'The filter {name} is wrong: {failure}.') from failure
    return value


def _limit(query: Mapping[str, str], max_limit: int) -> tuple[int, bool]:
    if 'limit' not in query:
        return max_limit, False
    try:
        asked = attributes.whole(0, 2**31 - 1)(query['limit'])
    except ValueError as failure:
        raise faults.bad_request(f'Limit is wrong: {failure}.') from failure
    return (min(asked, max_limit), True) if asked else (max_limit, False)


def _backwards(query: Mapping[str, str]) -> bool:
    try:
        return attributes.boolean(query.get('page_reverse', 'false'))
    except ValueError as failure:
        raise faults.bad_request(f'page_reverse is wrong: {failure}.') from failure


def _order(resource: Resource, query: Any) -> list[tuple[sa.Column, bool]]:
    keys, directions = query.getall('sort_key'), query.getall('sort_dir')
    if directions and len(directions) != len(keys):
        raise faults.bad_request('The number of sort_keys and sort_dirs must be same')
    order = []
    for key, direction in zip(keys, directions or ['asc'] * len(keys), strict=True):
        column = resource.column(key)
        if column is None or isinstance(column.type, sa.JSON) or column.nullable:
            raise faults.bad_request(f"'{key}' is not a valid attribute for sorting {resource.collection}.")
        if direction not in ('asc', 'desc'):
            raise faults.bad_request(f"'{direction}' is not a valid direction for sorting: use asc or desc.")
        order.append((column, direction == 'desc'))
    if not any(column.name == 'id' for column, _ in order):
        order.append((resource.table.c.id, False))
    return order


def _after(order: list[tuple[sa.Column, bool]], row: Any, backwards: bool) -> sa.ColumnElement[bool]:
    clauses = []
    for position, (column, descending) in enumerate(order):
        equal = [earlier == row[earlier.name] for earlier, _ in order[:position]]
        place, reached = _comparable(column, row[column.name])
        beyond = place < reached if descending != backwards else place > reached
        clauses.append(sa.and_(*equal, beyond))
    return sa.or_(*clauses)


def _comparable(column: sa.Column, value: Any) -> tuple[sa.ColumnElement, Any]:
    # No database says which of true and false comes first, but of 1 and 0.
    return (sa.cast(column, sa.Integer), int(value)) if isinstance(column.type, sa.Boolean) else (column, value)
