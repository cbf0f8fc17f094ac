"""Look up what a project, or a user in it, may have; and change it."""

from collections.abc import Mapping

import sqlalchemy as sa
import sqlalchemy.exc

from nova.db.tables.quotas import project_user_quotas, quota_classes, quota_turns, quotas

DEFAULT_CLASS = 'default'


def limits(
    tx: sa.Connection, project_id: str, user_id: str | None = None, defaults: Mapping[str, int] | None = None
) -> dict[str, int]:
    """Limits by resource, in one statement: the user's own, else the project's, else the default class's, else `defaults`."""
    return limits_of_both(tx, project_id, user_id, defaults)[1]


def limits_of_both(
    tx: sa.Connection, project_id: str, user_id: str | None, defaults: Mapping[str, int] | None = None
) -> tuple[dict[str, int], dict[str, int]]:
    """The project's limits, and the user's in it, in one statement."""
    layers = [
        sa.select(sa.literal(0).label('layer'), quota_classes.c.resource, quota_classes.c.limit).where(
            quota_classes.c.class_name == DEFAULT_CLASS
        ),
        sa.select(sa.literal(1), quotas.c.resource, quotas.c.limit).where(quotas.c.project_id == project_id),
    ]
    if user_id is not None:
        columns = project_user_quotas.c
        layers.append(
            sa.select(sa.literal(2), columns.resource, columns.limit).where(
                columns.project_id == project_id, columns.user_id == user_id
            )
        )
    of_project, own = dict(defaults or {}), {}
    for layer, resource, limit in sorted(tuple(row) for row in tx.execute(sa.union_all(*layers))):
        (own if layer == 2 else of_project)[resource] = limit
    return of_project, of_project | own


def class_limits(tx: sa.Connection, class_name: str = DEFAULT_CLASS) -> dict[str, int]:
    query = sa.select(quota_classes.c.resource, quota_classes.c.limit).where(quota_classes.c.class_name == class_name)
    return dict(tx.execute(query).all())


def set_project_limits(tx: sa.Connection, project_id: str, wanted: Mapping[str, int]) -> None:
    _set(tx, quotas, {'project_id': project_id}, wanted)


def set_user_limits(tx: sa.Connection, project_id: str, user_id: str, wanted: Mapping[str, int]) -> None:
    _set(tx, project_user_quotas, {'project_id': project_id, 'user_id': user_id}, wanted)


def set_class_limits(tx: sa.Connection, class_name: str, wanted: Mapping[str, int]) -> None:
    """Set limits of a class; those of the class `default` hold for all projects and stand above the options."""
    _set(tx, quota_classes, {'class_name': class_name}, wanted)


def remove_project_limits(tx: sa.Connection, project_id: str) -> None:
    """Go back to the defaults, for the project and all its users."""
    tx.execute(sa.delete(project_user_quotas).where(project_user_quotas.c.project_id == project_id))
    tx.execute(sa.delete(quotas).where(quotas.c.project_id == project_id))


def remove_user_limits(tx: sa.Connection, project_id: str, user_id: str) -> None:
    """Go back to the project's limits for one user."""
    columns = project_user_quotas.c
    tx.execute(sa.delete(project_user_quotas).where(columns.project_id == project_id, columns.user_id == user_id))


def take_turn(tx: sa.Connection, project_id: str) -> None:
    """Wait for whoever counts and records what the project, or user, has; the next one waits until this transaction ends."""
    # A write, because a mere lock would not be seen by the other members of a Galera cluster.
    taking = sa.update(quota_turns).where(quota_turns.c.project_id == project_id).values(taken=1 - quota_turns.c.taken)
    if tx.execute(taking).rowcount:
        return
    try:
        with tx.begin_nested():
            tx.execute(sa.insert(quota_turns).values(project_id=project_id, taken=0))
    except sqlalchemy.exc.IntegrityError:
        tx.execute(taking)


def _set(tx: sa.Connection, table: sa.Table, owner: dict[str, str], wanted: Mapping[str, int]) -> None:
    owned = [table.c[name] == value for name, value in owner.items()]
    # In one order, so that two who set the same limits do not wait for each other.
    for resource, limit in sorted(wanted.items()):
        setting = sa.update(table).where(*owned, table.c.resource == resource).values(limit=limit)
        if tx.execute(setting).rowcount:
            continue
        try:
            with tx.begin_nested():
                tx.execute(sa.insert(table).values(resource=resource, limit=limit, **owner))
        except sqlalchemy.exc.IntegrityError:
            tx.execute(setting)
