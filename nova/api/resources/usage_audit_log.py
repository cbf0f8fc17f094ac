"""The usage audit log: on which hosts the servers of a period have been counted."""

import datetime
from typing import Any

from nova import errors
from nova.api import policy
from nova.api.hosts import COMPUTE, all_services, gather
from nova.api.request import Request
from nova.api.routes import route
from nova.db.stores import usage_audits
from nova.domain.usage_audit import DONE, RUNNING, UsageAudit, last_period

LIST = policy.admin('os_compute_api:os-instance-usage-audit-log:list', 'Show the usage audits of the last period.')
SHOW = policy.admin('os_compute_api:os-instance-usage-audit-log:show', 'Show the usage audits of an earlier period.')

_TIMES = ('%Y-%m-%d %H:%M:%S', '%Y-%m-%d %H:%M:%S.%f')


@route(
    'GET',
    '/os-instance_usage_audit_log',
    policy=LIST,
    samples=('os-instance-usage-audit-log/inst-usage-audit-log-index-get-resp.json',),
)
def listing(request: Request) -> dict[str, Any]:
    return {'instance_usage_audit_logs': _log(request, request.services.clock())}


@route(
    'GET',
    '/os-instance_usage_audit_log/{before}',
    policy=SHOW,
    samples=('os-instance-usage-audit-log/inst-usage-audit-log-show-get-resp.json',),
)
def show(request: Request, before: str) -> dict[str, Any]:
    return {'instance_usage_audit_log': _log(request, _moment(before))}


def view(
    hosts: set[str], audits: list[UsageAudit], beginning: datetime.datetime, ending: datetime.datetime
) -> dict[str, Any]:
    """The log of one period. A host that never ran is one of the hosts that there are now."""
    done = [audit for audit in audits if audit.state == DONE]
    running = [audit for audit in audits if audit.state == RUNNING]
    not_run = sorted(hosts - {audit.host for audit in audits})
    failures = sum(audit.errors for audit in audits)
    how_many = 'ALL' if len(done) == len(hosts) else f'{len(done)} of {len(hosts)}'
    return {
        'period_beginning': _shown(beginning),
        'period_ending': _shown(ending),
        'num_hosts': len(hosts),
        'num_hosts_done': len(done),
        'num_hosts_running': len(running),
        'num_hosts_not_run': len(not_run),
        'hosts_not_run': not_run,
        'total_instances': sum(audit.servers for audit in audits),
        'total_errors': failures,
        'overall_status': f'{how_many} hosts done. {failures} errors.',
        'log': {
            audit.host: {
                'state': audit.state,
                'instances': audit.servers,
                'errors': audit.errors,
                'message': audit.message,
            }
            for audit in audits
        },
    }


def _log(request: Request, before: datetime.datetime) -> dict[str, Any]:
    beginning, ending = last_period(request.settings.usage_audit_period, before)
    hosts = {service.host for service in all_services(request, binary=COMPUTE).items}
    audits = gather(request, lambda tx, _cell: usage_audits.listing(tx, beginning, ending)).items
    return view(hosts, list(audits), beginning, ending)


def _moment(text: str) -> datetime.datetime:
    for form in _TIMES:
        try:
            moment = datetime.datetime.strptime(text, form).replace(tzinfo=datetime.UTC)
        except ValueError:
            continue
        # Before the periods of the first year there are none.
        if moment.year > 2:
            return moment
    raise errors.Invalid(f'Invalid timestamp for date {text[:64]}')


def _shown(moment: datetime.datetime) -> str:
    return moment.strftime('%Y-%m-%d %H:%M:%S')
