"""Make the call of a sample."""

import dataclasses
import re

import webob

from nova.api.microversions import Version
from tests.functional.samples import cases, index
from tests.functional.samples.index import Published, Sample
from tests.functional.samples.scene import Scene
from tests.published import differences
from tests.standing import test_not_built
from tests.standing.published_calls import shape

NOT_BUILT = {shape(name) for name in test_not_built.NOT_BUILT}


@dataclasses.dataclass(frozen=True)
class Walked:
    """What came back, and what is published of the call. `route` has no values in its path, `request` has."""

    answer: webob.Response
    published: Published
    route: str
    request: str

    @property
    def built(self) -> bool:
        return self.answer.status_int != 501 or self.route not in NOT_BUILT


def walk(scene: Scene, sample: Sample) -> Walked:
    """Make the call whose request or response the sample is."""
    case = cases.of(sample)
    version = Version.parse(case.since) if case.since else sample.version
    route = case.route or sample.route
    assert route, f'Nothing says which call {sample.path} belongs to.'
    method, path = route.split()[:2]
    changes = method != 'GET'
    body = _request(sample, case) if changes else None
    scene.names = {}
    scene.names.update(case.given(scene, sample) or {})
    published = index.call(method, path, next(iter(body)) if body else None)
    assert published, f'{method} {path} is not published.'
    name = f'{method} {path}' + (f' {next(iter(body))}' if path.endswith('/action') else '')
    if published.gone:
        path = re.sub(r'\{\w+\}', 'x', path)
    else:
        path = _filled(scene, path, version, fresh=changes)
        query = '&'.join(filter(None, (_filled(scene, case.query, version), _paging(sample))))
        path += f'?{query}' if query else ''
        body = scene.fit(body, version)
    user = scene.user(case.user or _user(published, sample))
    below = '' if path.startswith(index.ROOT) else '/v2.1'
    answer = user.ask(method, path.removeprefix(index.ROOT), body, str(version), below)
    if case.then and answer.status_int in published.statuses:
        scene.owner.wait(scene.names['server_id'])
        published, path = index.call('GET', case.then, None), _filled(scene, case.then, version)
        answer = user.ask('GET', path, version=str(version))
    return Walked(answer, published, shape(name), f'{method} {path} {version} {body}')


def problems(walked: Walked, sample: Sample) -> list[str]:
    """What is wrong with the answer. One of what is not built says no more than that the request is valid."""
    if not walked.built:
        return []
    answer, wanted = walked.answer, walked.published.statuses
    key = sample.path.removesuffix('.json')
    if key in cases.REFUSED:
        wanted = {cases.REFUSED[key][0]}
    if answer.status_int not in wanted:
        return [f'{walked.request}: {answer.status_int} instead of {sorted(wanted)}. {answer.text[:500]}']
    if sample.kind == 'request' or answer.status_int >= 400:
        return []
    return differences(
        answer.json if answer.body else None, sample.body, cases.FREE | cases.of(sample).free, named=cases.NAMED
    )


def _request(sample, case):
    """What is sent: the sample itself, or that whose answer it is."""
    if sample.kind == 'request':
        return sample.body
    if isinstance(case.sends, dict):
        return case.sends
    name = case.sends or re.sub('-res(p|)$', '-req', sample.name)
    found = index.at_or_before(sample.folder, name, sample.version)
    return found and found.body


def _filled(scene, text, version, fresh=False):
    return re.sub(r'\{(\w+)\}', lambda found: scene.name(found[1], version, fresh), text)


def _paging(sample):
    """A page of one where the sample shows how to get at the next."""
    keys = sample.body.keys() if sample.kind == 'response' and isinstance(sample.body, dict) else ()
    return 'limit=1' if any(key == 'links' or key.endswith('_links') for key in keys) else ''


def _user(published, sample):
    """An ordinary user where that is enough to see what the sample shows."""
    text = str(sample.body)
    shown = 'OS-EXT-SRV-ATTR:host' in text.replace('OS-EXT-SRV-ATTR:hostname', '') or "'traceback'" in text
    ordinary = any(word in published.access for word in ('member', 'reader', 'any', 'own'))
    return 'owner' if shown or sample.kind == 'request' or not ordinary else 'member'
