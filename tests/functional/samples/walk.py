"""Make the call of a sample."""

import dataclasses
import re

import webob

from nova.api.microversions import Version
from tests.functional.samples import cases, index
from tests.functional.samples.index import Published, Sample
from tests.functional.samples.scene import Scene
from tests.published import differences


@dataclasses.dataclass(frozen=True)
class Walked:
    """What came back, and what is published of the call."""

    answer: webob.Response
    published: Published
    request: str


def walk(scene: Scene, sample: Sample) -> Walked:
    """Make the call whose request or response the sample is."""
    case = cases.of(sample)
    version = Version.parse(case.since) if case.since else sample.version
    route = case.route or sample.route
    assert route, f'Nothing says which call {sample.path} belongs to.'
    method, path = route.split()[:2]
    changes = method != 'GET'
    source = sample if sample.kind == 'request' else _request_of(sample, case) if changes else None
    scene.names = {}
    scene.names.update(case.given(scene, source or sample) or {})
    published = index.call(method, path, next(iter(source.body)) if source else None)
    assert published, f'{method} {path} is not published.'
    if published.gone:
        body, path = source and source.body, re.sub(r'\{\w+\}', 'x', path)
    else:
        path = _filled(scene, path, version, fresh=changes)
        query = '&'.join(filter(None, (_filled(scene, case.query, version), _paging(sample))))
        path += f'?{query}' if query else ''
        body = scene.fit(source.body, version) if source else None
    user = scene.user(case.user or _user(published, sample))
    below = '' if path.startswith(index.ROOT) else '/v2.1'
    answer = user.ask(method, path.removeprefix(index.ROOT), body, str(version), below)
    if case.then and answer.status_int < 400:
        scene.owner.wait(scene.names['server_id'])
        answer = user.ask('GET', _filled(scene, case.then, version), version=str(version))
    return Walked(answer, published, f'{method} {path} {version} {body}')


def problems(walked: Walked, sample: Sample) -> list[str]:
    """What is wrong with the answer."""
    answer, wanted = walked.answer, walked.published.statuses
    if answer.status_int not in wanted:
        return [f'{walked.request}: {answer.status_int} instead of {sorted(wanted)}. {answer.text[:500]}']
    if sample.kind == 'request' or walked.published.gone:
        return []
    return differences(answer.json if answer.body else None, sample.body, cases.FREE | cases.of(sample).free, named=cases.NAMED)


def _request_of(sample: Sample, case: cases.Case) -> Sample | None:
    name = case.sends or re.sub('-res(p|)$', '-req', sample.name)
    return index.at_or_before(sample.folder, name, sample.version)


def _filled(scene, text, version, fresh=False):
    return re.sub(r'\{(\w+)\}', lambda found: scene.name(found[1], version, fresh), text)


def _paging(sample):
    links = sample.kind == 'response' and isinstance(sample.body, dict) and any(k.endswith('_links') for k in sample.body)
    return 'limit=1' if links else ''


def _user(published, sample):
    """An ordinary user where that is enough to see what the sample shows."""
    text = str(sample.body)
    shown = 'OS-EXT-SRV-ATTR:host' in text.replace('OS-EXT-SRV-ATTR:hostname', '') or "'traceback'" in text
    return 'owner' if shown or 'admin' in published.access or sample.kind == 'request' else 'member'
