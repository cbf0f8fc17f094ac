"""Limits: what the caller's project may have, and has."""

from typing import Any

from nova.api import policy, quota
from nova.api.microversions import Version
from nova.api.request import Request
from nova.api.routes import route
from nova.api.schema import QUERY_TEXT, Field, Query

LIMITS = policy.any_authenticated('os_compute_api:limits', "Show a project's limits.")
OTHER_PROJECT = policy.admin('os_compute_api:limits:other_project', "Show another project's limits.")

# The name shown, the limit or use it shows, and the last version that shows it.
_MOST = (
    ('maxTotalInstances', 'instances', None),
    ('maxTotalCores', 'cores', None),
    ('maxTotalRAMSize', 'ram', None),
    ('maxTotalKeypairs', 'key_pairs', None),
    ('maxServerMeta', 'metadata_items', None),
    ('maxServerGroups', 'server_groups', None),
    ('maxServerGroupMembers', 'server_group_members', None),
    ('maxImageMeta', 'metadata_items', '2.38'),
    ('maxPersonality', 'injected_files', '2.56'),
    ('maxPersonalitySize', 'injected_file_content_bytes', '2.56'),
    ('maxSecurityGroups', 'security_groups', '2.35'),
    ('maxSecurityGroupRules', 'security_group_rules', '2.35'),
    ('maxTotalFloatingIps', 'floating_ips', '2.35'),
)
_USED = (
    ('totalInstancesUsed', 'instances', None),
    ('totalCoresUsed', 'cores', None),
    ('totalRAMUsed', 'ram', None),
    ('totalServerGroupsUsed', 'server_groups', None),
    ('totalSecurityGroupsUsed', 'security_groups', '2.35'),
    ('totalFloatingIpsUsed', 'floating_ips', '2.35'),
)
# `reserved` is what some clients ask to have counted, too; nothing is ever reserved.
QUERY = Query(Field('tenant_id', QUERY_TEXT, many=True), Field('reserved', QUERY_TEXT, many=True))


@route(
    'GET',
    '/limits',
    policy=LIMITS,
    query=QUERY,
    samples=(
        'limits/limit-get-resp.json',
        'limits/v2.36/limit-get-resp.json',
        'limits/v2.39/limit-get-resp.json',
        'limits/v2.57/limit-get-resp.json',
    ),
)
def show(request: Request) -> dict[str, Any]:
    project_id = request.params.get('tenant_id') or request.context.project_id
    if project_id != request.context.project_id:
        request.require(OTHER_PROJECT, project_id=project_id)
    with request.databases.api.reading() as tx:
        most = quota.limits(tx, request.settings, project_id)
    # Where nothing is limited, nothing is counted either.
    used, unused = ({}, -1) if quota.off(request.settings) else (quota.in_use(request, project_id), 0)
    absolute = _shown(_MOST, most, quota.UNLIMITED, request.version) | _shown(_USED, used, unused, request.version)
    return {'limits': {'rate': [], 'absolute': absolute}}


def _shown(
    names: tuple[tuple[str, str, str | None], ...], amounts: dict[str, int], otherwise: int, version: Version
) -> dict[str, int]:
    return {
        shown: amounts.get(name, otherwise)
        for shown, name, until in names
        if until is None or version <= Version.parse(until)
    }
