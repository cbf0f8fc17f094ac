"""Say in SQL what a ServerQuery asks for."""

from typing import Any

import orjson
import sqlalchemy as sa

from nova.db.tables.servers import server_metadata, server_tags, servers
from nova.domain import record
from nova.domain.lifecycle import Activity, State
from nova.domain.queries import EQUAL, SORTABLE, SPANS, Phase, ServerQuery

# Of these, the query's field has another name than the column, or none at all.
_KEPT_AS = {'flavor_id': servers.c.flavor_id, 'key_name': servers.c.key_name}
_NEVER_NULL = {column.name for column in servers.c if not column.nullable}


def conditions(query: ServerQuery) -> list[sa.ColumnElement[bool]]:
    """The filters, without the page."""
    found = [
        column == record.dump(wanted) for name, column in _compared() if (wanted := getattr(query, name)) is not None
    ]
    if query.busy is not None:
        found.append(servers.c.activity.is_not(None) if query.busy else servers.c.activity.is_(None))
    if query.ids is not None:
        found.append(servers.c.id.in_(query.ids))
    if query.states is not None:
        found.append(servers.c.state.in_([state.value for state in query.states]))
    if query.phases is not None:
        found.append(sa.or_(sa.false(), *(_in_phase(phase) for phase in query.phases)))
    if query.name is not None:
        found.append(servers.c.name.regexp_match(query.name))
    if query.ip is not None:
        found.append(_has_line(servers.c.addresses_v4, query.ip))
    if query.ip6 is not None:
        found.append(_has_line(servers.c.addresses_v6, query.ip6))
    return found + _presence(query) + _times(query) + _tags(query) + _metadata(query)


def ordering(query: ServerQuery) -> list[sa.ColumnElement[Any]]:
    return [
        _sorted_by(name).asc() if direction == 'asc' else _sorted_by(name).desc() for name, direction in query.order()
    ]


def after_marker(query: ServerQuery) -> sa.ColumnElement[bool]:
    """Beyond the marker in the first column; or equal there, and beyond it in the next; and so on."""
    marker = [int(value) if isinstance(value, bool) else value for value in query.marker or ()]
    same: list[sa.ColumnElement[bool]] = []
    beyond = []
    for (name, direction), value in zip(query.order(), marker, strict=True):
        column = _sorted_by(name)
        beyond.append(sa.and_(*same, column > value if direction == 'asc' else column < value))
        same.append(column == value)
    # Implied by the rest; said again so that an index on the first column is of use.
    name, direction = query.order()[0]
    first, value = _sorted_by(name), marker[0]
    return sa.and_(first >= value if direction == 'asc' else first <= value, sa.or_(*beyond))


def _compared() -> list[tuple[str, sa.Column[Any]]]:
    return [*((name, servers.c[name]) for name in EQUAL), *_KEPT_AS.items()]


def _sorted_by(name: str) -> sa.ColumnElement[Any]:
    # Databases differ in where they put NULL, and nothing is greater than it: a value has to stand for it.
    column = servers.c[name]
    if isinstance(column.type, sa.Boolean):
        return sa.cast(column, sa.Integer)
    return column if name in _NEVER_NULL else sa.func.coalesce(column, sa.literal(SORTABLE[name], column.type))


def _has_line(column: sa.Column[Any], pattern: str) -> sa.ColumnElement[bool]:
    # In all four dialects of regular expressions this lets ^ and $ match at each line.
    return column.regexp_match(f'(?m){pattern}')


def _in_phase(phase: Phase) -> sa.ColumnElement[bool]:
    state, doing = phase
    this = servers.c.state == state.value
    if len(doing) > len(Activity):
        return this
    named = servers.c.activity.in_([activity.value for activity in doing if activity is not None])
    return sa.and_(this, sa.or_(named, servers.c.activity.is_(None)) if None in doing else named)


def _presence(query: ServerQuery) -> list[sa.ColumnElement[bool]]:
    if query.deleted is None:
        return []
    restorable = servers.c.state == State.SOFT_DELETED.value
    if query.deleted and query.soft_deleted:
        return [sa.or_(servers.c.deleted.is_(True), restorable)]
    found = [servers.c.deleted.is_(query.deleted)]
    if not query.deleted and query.soft_deleted is False:
        found.append(sa.not_(restorable))
    return found


def _times(query: ServerQuery) -> list[sa.ColumnElement[bool]]:
    found = []
    for name, column in SPANS.items():
        if span := getattr(query, name):
            found += [servers.c[column] >= span[0], servers.c[column] < span[1]]
    if query.changes_since is not None:
        found.append(servers.c.updated_at >= query.changes_since)
    if query.changes_before is not None:
        found.append(servers.c.updated_at <= query.changes_before)
    return found


def _tags(query: ServerQuery) -> list[sa.ColumnElement[bool]]:
    found = [_has_tag(tag) for tag in query.tags]
    if query.tags_any:
        found.append(_has_tag(*query.tags_any))
    if query.not_tags:
        found.append(sa.not_(sa.and_(*(_has_tag(tag) for tag in query.not_tags))))
    if query.not_tags_any:
        found.append(sa.not_(_has_tag(*query.not_tags_any)))
    return found


def _has_tag(*tags: str) -> sa.ColumnElement[bool]:
    of_this = (server_tags.c.server_id == servers.c.id, server_tags.c.tag.in_(tags))
    return sa.exists().where(*of_this).correlate(servers)


def _metadata(query: ServerQuery) -> list[sa.ColumnElement[bool]]:
    columns = server_metadata.c
    properties = sa.type_coerce(servers.c.image_properties, sa.Text)
    # As they are written in the JSON that the column holds.
    return [
        properties.contains(orjson.dumps({key: value}).decode()[1:-1], autoescape=True)
        for key, value in query.image_properties.items()
    ] + [
        sa.exists()
        .where(columns.server_id == servers.c.id, columns.key == key, columns.value == value)
        .correlate(servers)
        for key, value in query.metadata.items()
    ]
