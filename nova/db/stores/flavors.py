"""Read and change flavors, their extra specs, and who may use the private ones."""

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa
import sqlalchemy.exc

from nova import errors
from nova.db.tables.flavors import flavor_projects, flavors
from nova.db.tables.types import now as present
from nova.domain.flavor import Flavor
from nova.domain.queries import FlavorQuery

_FIELDS = (
    'id', 'name', 'vcpus', 'memory_mb', 'disk_gb', 'ephemeral_gb', 'swap_mb', 'rxtx_factor', 'is_public', 'disabled',
    'description', 'extra_specs', 'created_at', 'updated_at',
)  # fmt: skip
_columns = tuple(flavors.c[name] for name in _FIELDS)


def get(tx: sa.Connection, flavor_id: str, project_id: str | None = None) -> Flavor:
    """The flavor; for a project, only if it is public or the project was given it."""
    query = sa.select(*_columns).where(flavors.c.id == flavor_id)
    if project_id is not None:
        query = query.where(sa.or_(flavors.c.is_public.is_(True), _given_to(project_id)))
    row = tx.execute(query).first()
    if row is None:
        raise _not_found(flavor_id)
    return Flavor(*row)


def numbers(tx: sa.Connection, flavor_ids: Iterable[str]) -> dict[str, int]:
    """The numbers by which old calls show flavors; of those that there are."""
    wanted = sorted(set(flavor_ids))
    if not wanted:
        return {}
    query = sa.select(flavors.c.id, flavors.c.number).where(flavors.c.id.in_(wanted))
    return dict(tx.execute(query).all())


def listing(tx: sa.Connection, query: FlavorQuery) -> list[Flavor]:
    """One page of flavors in the query's order, extra specs with them, in one statement."""
    wanted = sa.select(*_columns).where(*_conditions(query))
    order = query.sort if any(name == 'id' for name, _ in query.sort) else (*query.sort, ('id', 'asc'))
    for name, direction in order:
        column = _sorted_by(name)
        wanted = wanted.order_by(column.asc() if direction == 'asc' else column.desc())
    if query.marker is not None:
        wanted = wanted.where(_after(tx, query.marker, order))
    if query.limit is not None:
        wanted = wanted.limit(query.limit)
    return [Flavor(*row) for row in tx.execute(wanted)]


def create(tx: sa.Connection, flavor: Flavor, projects: tuple[str, ...] = ()) -> Flavor:
    """Add a flavor, for `projects` if it is private. Raises Conflict if its id or its name is taken."""
    values = {name: getattr(flavor, name) for name in _FIELDS}
    values['created_at'] = values['created_at'] or present()
    with _refused(tx, lambda: _taken(tx, flavor)):
        tx.execute(sa.insert(flavors).values(values))
    for project_id in projects:
        grant(tx, flavor.id, project_id)
    return get(tx, flavor.id)


def remove(tx: sa.Connection, flavor_id: str) -> None:
    """Remove a flavor; servers keep what they were made with."""
    if not tx.execute(sa.delete(flavors).where(flavors.c.id == flavor_id)).rowcount:
        raise _not_found(flavor_id)


def set_description(tx: sa.Connection, flavor_id: str, description: str | None) -> Flavor:
    _change(tx, flavor_id, description=description)
    return get(tx, flavor_id)


def set_extra_specs(tx: sa.Connection, flavor_id: str, specs: dict[str, str]) -> dict[str, str]:
    """Add extra specs, or change those that are there; all of them after that."""
    after = _locked_extra_specs(tx, flavor_id) | specs
    _change(tx, flavor_id, extra_specs=after)
    return after


def remove_extra_spec(tx: sa.Connection, flavor_id: str, key: str) -> None:
    specs = _locked_extra_specs(tx, flavor_id)
    if key not in specs:
        raise errors.NotFound(f'Flavor {flavor_id} has no extra specs with key {key}.')
    _change(tx, flavor_id, extra_specs={name: value for name, value in specs.items() if name != key})


def accesses(tx: sa.Connection, flavor_id: str) -> list[str]:
    """The projects that were given a private flavor."""
    columns = flavor_projects.c
    query = sa.select(columns.project_id).where(columns.flavor_id == flavor_id).order_by(columns.project_id)
    return list(tx.execute(query).scalars())


def grant(tx: sa.Connection, flavor_id: str, project_id: str) -> None:
    """Let a project use a private flavor."""
    refusal = errors.Conflict(
        f'Flavor access already exists for flavor {flavor_id} and project {project_id} combination.'
    )
    get(tx, flavor_id)
    with _refused(tx, lambda: refusal):
        tx.execute(sa.insert(flavor_projects).values(flavor_id=flavor_id, project_id=project_id, created_at=present()))


def revoke(tx: sa.Connection, flavor_id: str, project_id: str) -> None:
    columns = flavor_projects.c
    gone = tx.execute(
        sa.delete(flavor_projects).where(columns.flavor_id == flavor_id, columns.project_id == project_id)
    ).rowcount
    if not gone:
        get(tx, flavor_id)
        raise errors.NotFound(f'Flavor access not found for {flavor_id} / {project_id} combination.')


def _conditions(query: FlavorQuery) -> list[sa.ColumnElement[bool]]:
    found: list[sa.ColumnElement[bool]] = []
    visible = [] if query.is_public is None else [flavors.c.is_public.is_(query.is_public)]
    if query.project_id is not None and visible:
        found.append(sa.or_(*visible, _given_to(query.project_id)))
    else:
        found += visible
    if query.disabled is not None:
        found.append(flavors.c.disabled.is_(query.disabled))
    if query.min_disk_gb is not None:
        found.append(flavors.c.disk_gb >= query.min_disk_gb)
    if query.min_memory_mb is not None:
        found.append(flavors.c.memory_mb >= query.min_memory_mb)
    return found


def _given_to(project_id: str) -> sa.ColumnElement[bool]:
    columns = flavor_projects.c
    return sa.exists().where(columns.flavor_id == flavors.c.id, columns.project_id == project_id).correlate(flavors)


def _sorted_by(name: str) -> sa.ColumnElement[Any]:
    column = flavors.c[name]
    # Databases differ in where they put NULL.
    return (
        sa.func.coalesce(column, '')
        if name == 'description'
        else (sa.func.coalesce(column, flavors.c.created_at) if name == 'updated_at' else column)
    )


def _after(tx: sa.Connection, marker: str, order: tuple[tuple[str, str], ...]) -> sa.ColumnElement[bool]:
    where = tx.execute(sa.select(*(_sorted_by(name) for name, _ in order)).where(flavors.c.id == marker)).first()
    if where is None:
        raise errors.Invalid(f'The marker {marker} could not be found.')
    same: list[sa.ColumnElement[bool]] = []
    beyond = []
    for (name, direction), value in zip(order, where, strict=True):
        column = _sorted_by(name)
        beyond.append(sa.and_(*same, column > value if direction == 'asc' else column < value))
        same.append(column == value)
    return sa.or_(*beyond)


def _change(tx: sa.Connection, flavor_id: str, **columns: Any) -> None:
    changing = sa.update(flavors).where(flavors.c.id == flavor_id).values(updated_at=present(), **columns)
    if not tx.execute(changing).rowcount:
        raise _not_found(flavor_id)


def _locked_extra_specs(tx: sa.Connection, flavor_id: str) -> dict[str, str]:
    # Held until the end of the transaction, so that two changes at once do not lose one another.
    query = sa.select(flavors.c.extra_specs).where(flavors.c.id == flavor_id).with_for_update()
    row = tx.execute(query).first()
    if row is None:
        raise _not_found(flavor_id)
    return row.extra_specs


@contextlib.contextmanager
def _refused(tx: sa.Connection, reason: Any) -> Iterator[None]:
    """Do a statement in a savepoint; if it breaks a constraint, raise the reason, for which the database can be asked."""
    try:
        with tx.begin_nested():
            yield
    except sqlalchemy.exc.IntegrityError as failure:
        raise reason() from failure


def _taken(tx: sa.Connection, flavor: Flavor) -> errors.Conflict:
    same_id = tx.execute(sa.select(flavors.c.id).where(flavors.c.id == flavor.id)).first()
    what = f'ID {flavor.id}' if same_id else f'name {flavor.name}'
    return errors.Conflict(f'Flavor with {what} already exists.')


def _not_found(flavor_id: str) -> errors.NotFound:
    return errors.NotFound(f'Flavor {flavor_id} could not be found.')
