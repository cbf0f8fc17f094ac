"""What a project may have, what it has, and whether there is room for more."""

from collections.abc import Mapping
from typing import Any

from nova import errors
from nova.api.request import Request
from nova.api.services import Settings
from nova.db.stores import keypairs, mappings, quotas, server_groups
from nova.domain.flavor import Flavor
from nova.domain.resize import Allowance
from nova.domain.server import Server
from nova.domain.usage import Usage

UNLIMITED = -1
NO_QUOTA_DRIVER = 'nova.quota.NoopQuotaDriver'


def off(settings: Settings) -> bool:
    """Whether nothing is limited, and nothing counted."""
    return settings.quota_driver == NO_QUOTA_DRIVER


def defaults(tx: Any, settings: Settings) -> dict[str, int]:
    """The limits of projects that have none of their own: the class `default`, or else the options."""
    if off(settings):
        return _base(settings)
    return {**_base(settings), **quotas.class_limits(tx)}


def limits(tx: Any, settings: Settings, project_id: str | None, user_id: str | None = None) -> dict[str, int]:
    """The limits that hold for a project, or for one of its users."""
    if off(settings):
        return _base(settings)
    return quotas.limits(tx, project_id, user_id, _base(settings))


def usage(tx: Any, project_id: str | None, user_id: str | None = None) -> Usage:
    """What a project's servers take, wherever they are; it needs no cell to answer."""
    return mappings.count_usage(tx, project_id, user_id)


def refuse_excess(allowed: Mapping[str, int], used: Mapping[str, int], deltas: Mapping[str, int]) -> None:
    """Raise OverQuota, naming each resource that `deltas` more would exceed."""
    over = sorted(
        name for name, more in deltas.items() if more > 0 and allowed[name] >= 0 and used[name] + more > allowed[name]
    )
    if not over:
        return
    names = ', '.join(over)
    requested = ', '.join(str(deltas[name]) for name in over)
    has = ', '.join(str(used[name]) for name in over)
    may = ', '.join(str(allowed[name]) for name in over)
    raise errors.OverQuota(
        f'Quota exceeded for {names}: Requested {requested}, but already used {has} of {may} {names}'
    )


def room(tx: Any, request: Request, flavor: Flavor, least: int, most: int) -> int:
    """How many servers of the flavor the project has room for, from `least` to `most`; raises OverQuota for fewer.

    `tx` writes to the API database. Record the servers in it: until it ends, nobody else, in any process, is told of room
    for servers of this project.
    """
    context, settings = request.context, request.settings
    if off(settings):
        return most
    project, user = quotas.limits_of_both(tx, context.project_id, context.user_id, _base(settings))
    one = {'instances': 1, 'cores': flavor.vcpus, 'ram': flavor.memory_mb}
    if all(allowed[name] == UNLIMITED for allowed in (project, user) for name in one):
        return most
    quotas.take_turn(tx, context.project_id)
    checks = [(project, _amounts(usage(tx, context.project_id)))]
    if any(user[name] != project[name] for name in one):
        checks.append((user, _amounts(usage(tx, context.project_id, context.user_id))))
    for allowed, used in checks:
        most = _fitting(allowed, used, one, most)
        if most < least:
            refuse_excess(allowed, used, {name: amount * least for name, amount in one.items()})
    return most


def room_in_group(tx: Any, request: Request, group_id: str, least: int, most: int) -> int:
    """How many servers may join a group, from `least` to `most`; raises OverQuota for fewer. `tx` is as in `room`."""
    project_id = request.context.project_id
    allowed = limits(tx, request.settings, project_id, request.context.user_id)['server_group_members']
    if allowed == UNLIMITED:
        return most
    quotas.take_turn(tx, project_id)
    room = allowed - server_groups.count_members(tx, group_id)
    if room < least:
        raise errors.OverQuota('Quota exceeded, too many servers in group')
    return min(room, most)


def refuse_another(tx: Any, request: Request, server: Server) -> tuple[Allowance, ...]:
    """Raise OverQuota if the server's project has no room for it, which is not counted now.

    What is returned has to hold when it is counted, too; nothing if there is no limit.
    """
    settings = request.settings
    if off(settings):
        return ()
    more = {'instances': 1, 'cores': server.flavor.vcpus, 'ram': server.flavor.memory_mb}
    project, user = quotas.limits_of_both(tx, server.project_id, server.user_id, _base(settings))
    refuse_excess(project, _amounts(usage(tx, server.project_id)), more)
    checked = [Allowance(project['cores'], project['ram'], instances=project['instances'])]
    if any(user[name] != project[name] for name in more):
        refuse_excess(user, _amounts(usage(tx, server.project_id, server.user_id)), more)
        checked.append(Allowance(user['cores'], user['ram'], server.user_id, user['instances']))
    return tuple(one for one in checked if one.is_limit)


def refuse_growth(tx: Any, request: Request, server: Server, flavor: Flavor) -> tuple[Allowance, ...]:
    """Raise OverQuota if the server's project has no room for what another flavor takes more than its own.

    What is returned has to hold when that room is taken, too; nothing if there is no limit.
    """
    settings = request.settings
    if off(settings):
        return ()
    more = {'cores': flavor.vcpus - server.flavor.vcpus, 'ram': flavor.memory_mb - server.flavor.memory_mb}
    project, user = quotas.limits_of_both(tx, server.project_id, server.user_id, _base(settings))
    refuse_excess(project, _amounts(usage(tx, server.project_id)), more)
    checked = [Allowance(project['cores'], project['ram'])]
    if any(user[name] != project[name] for name in more):
        refuse_excess(user, _amounts(usage(tx, server.project_id, server.user_id)), more)
        checked.append(Allowance(user['cores'], user['ram'], server.user_id))
    return tuple(one for one in checked if one.is_limit)


def refuse_another_keypair(tx: Any, request: Request, user_id: str) -> None:
    """Raise OverQuota if the user has as many key pairs as the caller's project lets its users have."""
    allowed = limits(tx, request.settings, request.context.project_id, user_id)['key_pairs']
    if allowed != UNLIMITED and keypairs.count(tx, user_id) >= allowed:
        raise errors.OverQuota('Quota exceeded, too many key pairs.')


def refuse_many_metadata(request: Request, metadata: Mapping[str, str]) -> None:
    """Raise OverQuota if these are more metadata items than one server may have."""
    with request.databases.api.reading() as tx:
        allowed = limits(tx, request.settings, request.context.project_id)['metadata_items']
    if allowed != UNLIMITED and len(metadata) > allowed:
        raise errors.OverQuota('Maximum number of metadata items exceeds ' + str(allowed))


def in_use(request: Request, project_id: str | None, user_id: str | None = None) -> dict[str, int]:
    """What is counted against each limit; what is limited per server or per user counts as nothing."""
    with request.databases.api.reading() as tx:
        groups = server_groups.count(tx, project_id, user_id)
        return _amounts(usage(tx, project_id, user_id)) | {'server_groups': groups}


def _fitting(allowed: Mapping[str, int], used: Mapping[str, int], one: Mapping[str, int], most: int) -> int:
    room = [
        (allowed[name] - used[name]) // amount
        for name, amount in one.items()
        if amount > 0 and allowed[name] != UNLIMITED
    ]
    return max(0, min([most, *room]))


def _amounts(used: Usage) -> dict[str, int]:
    return {'instances': used.instances, 'cores': used.cores, 'ram': used.memory_mb}


def _base(settings: Settings) -> dict[str, int]:
    if off(settings):
        return dict.fromkeys(settings.quotas, UNLIMITED)
    return settings.quotas
