"""A user who has one server, and asks for one verb on it after the other."""

import itertools
import random
import time
from collections.abc import Callable
from typing import Any

from tools.trials.site import NO_ANSWER, Site
from tools.trials.tally import Tallies
from tools.trials.verbs import AT_ONCE, KEPT_IMAGES, requests_of

# For how long a server is waited for to come to rest before it counts as stuck.
PATIENCE = 600
# How often users do these: delete at rest; delete in the middle; ask for a second verb in the middle; drop an image.
DELETE, DELETE_IN_THE_MIDDLE, ASK_TWICE, DROP_IMAGE = 0.05, 0.08, 0.1, 0.3
# What is told of at once.
SLOW = 60
ACCEPTED = (200, 202, 204)


class User:
    """`go_on` says whether to ask for one more verb; `asked` is called when one was asked for."""

    def __init__(
        self,
        number: int,
        site: Site,
        tallies: Tallies,
        seed: str,
        go_on: Callable[[], bool],
        asked: Callable[[], None],
        say: Callable[[str], None],
    ):
        self.name = f'user-{number}'
        self._site, self._tallies = site, tallies
        self._go_on, self._asked, self._say = go_on, asked, say
        self._chance = random.Random(seed)
        self._names = (f'trial-{number}-{count}' for count in itertools.count())
        self.server_id: str | None = None
        self.failure: Exception | None = None
        self.doing = 'nothing yet'

    def run(self) -> None:
        try:
            while self._go_on():
                self._round()
        except Exception as failure:
            self.failure = failure

    def _round(self) -> None:
        if self.server_id is None:
            self._create()
            return
        server = self._site.server(self.server_id)
        if server is None:
            self.server_id = None
            return
        if self._chance.random() < DROP_IMAGE:
            self._drop_image(server)
        requests = requests_of(server, self._site.choices)
        # A server leaves its user by a die of its own, or hardly any would live to see the other verbs.
        requests.pop('soft_delete', None)
        if self._chance.random() < DELETE or not requests:
            verb, request = self._leave(server)
        else:
            verb = self._chance.choice(sorted(requests))
            request = requests[verb]
        self._try(verb, request, sorted(requests.items()))

    def _create(self) -> None:
        name = next(self._names)
        flavor = next(iter(self._site.choices.flavors.values()))
        body = {'server': {'name': name, 'flavorRef': flavor, 'imageRef': self._site.choices.image, 'networks': 'auto'}}
        began = time.monotonic()
        self.doing = 'create'

        def made_already() -> dict | None:
            """The answer may have been lost, and the server be there."""
            found = self._site.ask('GET', f'/servers?name=^{name}$')[1]['servers']
            return {'server': found[0]} if found else None

        status, content = self._site.ask('POST', '/servers', body, made_already)
        self._asked()
        if status not in ACCEPTED:
            self._ended('create', 'refused', began, str(content))
            time.sleep(1)
            return
        self.server_id = content['server']['id']
        if self._deletes():
            return
        shown = self._rest()
        self._ended('create', self._end(None, True, shown), began, shown)

    def _leave(self, server: dict) -> tuple[str, tuple[str, str, Any]]:
        if server['status'] != 'SOFT_DELETED' and self._chance.random() < 0.5:
            return 'soft_delete', ('DELETE', '', None)
        return 'force_delete', ('POST', '/action', {'forceDelete': None})

    def _try(self, verb: str, request: tuple[str, str, Any], others: list) -> None:
        method, path, body = request
        began = time.monotonic()
        self.doing = verb
        before = self._site.newest(self.server_id)
        status, content = self._site.ask(method, f'/servers/{self.server_id}{path}', body)
        self._asked()
        if status not in (*ACCEPTED, 400, 404, 409):
            raise RuntimeError(f'{verb} of server {self.server_id} was answered with {status}: {content}')
        if verb in AT_ONCE:
            self._ended(verb, 'done' if status in ACCEPTED else 'refused', began)
            return
        if self._chance.random() < ASK_TWICE and others:
            self._ask_another(others)
        if self._deletes():
            return
        shown = self._rest()
        # A request whose answer was lost is made twice; the second one may be refused because of the first.
        self._ended(verb, self._end(before, status in ACCEPTED, shown), began, shown)

    def _ask_another(self, others: list) -> None:
        """While the first verb runs; it is refused as a rule, and must do no harm if it is not."""
        time.sleep(self._chance.uniform(0, 1))
        verb, (method, path, body) = self._chance.choice(others)
        status, content = self._site.ask(method, f'/servers/{self.server_id}{path}', body)
        if status not in (*ACCEPTED, 400, 404, 409):
            raise RuntimeError(f'{verb} of server {self.server_id} was answered with {status}: {content}')
        if status not in ACCEPTED:
            self._tallies.ended(verb, 'refused', 0)

    def _deletes(self) -> bool:
        """Perhaps delete the server in the middle of what is done to it; how that ends counts in the place of the verb."""
        if self._chance.random() >= DELETE_IN_THE_MIDDLE:
            return False
        time.sleep(self._chance.uniform(0, 2))
        began = time.monotonic()
        self.doing += ', then delete'
        self._site.ask('POST', f'/servers/{self.server_id}/action', {'forceDelete': None})
        shown = self._rest()
        end = {'GONE': 'done', 'UNREST': 'stuck'}.get(shown, 'undone')
        self._ended('delete in between', end, began, shown)
        return True

    def _rest(self) -> str:
        """The status of the server when nothing is done to it any more."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            status, content = self._site.ask('GET', f'/servers/{self.server_id}')
            shown = 'GONE' if status == 404 else content['server']['status']
            busy = status != 404 and (shown == 'BUILD' or content['server']['OS-EXT-STS:task_state'] is not None)
            if not busy and not self._site.unfinished(self.server_id):
                return shown
            time.sleep(0.25)
        return 'UNREST'

    def _end(self, before: tuple[str, str] | None, accepted: bool, shown: str) -> str:
        newest = self._site.newest(self.server_id)
        if shown == 'UNREST' or (newest and newest[1] == 'stuck'):
            return 'stuck'
        if newest == before or newest is None:
            return 'done' if accepted else 'refused'
        return 'done' if newest[1] == 'done' else 'undone'

    def _ended(self, verb: str, end: str, began: float, shown: str = '') -> None:
        seconds = time.monotonic() - began
        self._tallies.ended(verb, end, seconds)
        if end == 'stuck' or seconds > SLOW:
            self._say(f'{verb} of server {self.server_id} ended as {end} ({shown}) after {seconds:.1f} s')
        self.doing = 'nothing'
        if shown == 'GONE':
            self.server_id = None

    def _drop_image(self, server: dict) -> None:
        """Perhaps one that is being made just now."""
        name = f'{KEPT_IMAGES}{server["id"][:8]}'
        try:
            images = self._site.get('glance', f'/images?name={name}&sort=created_at:asc')['images']
        except (RuntimeError, *NO_ANSWER):
            return
        if len(images) > 1:
            self._site.delete_image(images[0]['id'])
