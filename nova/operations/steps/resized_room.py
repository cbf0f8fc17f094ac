"""Count a server against its project's quota while and after it is resized."""

from collections.abc import Sequence
from typing import Any

from nova.db.stores import mappings, quotas
from nova.domain import resize
from nova.domain.flavor import Flavor
from nova.domain.resize import Allowance
from nova.domain.server import Server


def take_quota(cloud: Any, server: Server, flavor: Flavor, allowances: Sequence[Allowance]) -> None:
    """Count the server as the larger of both flavors, until its user has decided. Raises OverQuota, and counts as before.

    Nobody else in the project is counted meanwhile, in any process.
    """
    with cloud.databases.api.writing() as tx:
        if allowances:
            quotas.take_turn(tx, server.project_id)
        mappings.set_size(tx, server.id, *resize.larger(server.flavor, flavor))
        for allowance in allowances:
            used = mappings.count_usage(tx, server.project_id, allowance.user_id)
            allowance.refuse_excess(used, server.flavor, flavor)


def set_quota(cloud: Any, server_id: str, flavor: Flavor) -> None:
    """Count the server as this flavor from now on."""
    with cloud.databases.api.writing() as tx:
        mappings.set_size(tx, server_id, flavor.vcpus, flavor.memory_mb)
