"""A client of the REST API, as small as tests like it."""

import json
import time

import webob

PATIENCE = 60


class Api:
    """One user of one API process. The methods return the answer's JSON, and insist on the status they are told."""

    def __init__(self, app, token):
        self.app, self._token = app, token

    def ask(self, method, path, body=None, version=None, below='/v2.1'):
        """The answer, whatever it is, as long as it is no bug."""
        headers = {'X-Auth-Token': self._token, 'Content-Type': 'application/json'}
        if version:
            headers['OpenStack-API-Version'] = f'compute {version}'
        raw = b'' if body is None else json.dumps(body).encode()
        answer = webob.Request.blank(f'{below}{path}', method=method, headers=headers, body=raw).get_response(self.app)
        assert answer.status_int != 500, answer.text
        return answer

    def get(self, path, version=None, status=200):
        return self._told(self.ask('GET', path, None, version), status)

    def post(self, path, body, version=None, status=202):
        return self._told(self.ask('POST', path, body, version), status)

    def put(self, path, body, version=None, status=200):
        return self._told(self.ask('PUT', path, body, version), status)

    def delete(self, path, version=None, status=204):
        return self._told(self.ask('DELETE', path, None, version), status)

    def fault(self, method, path, body=None, version=None):
        """The status and the sentence of a refusal."""
        answer = self.ask(method, path, body, version)
        assert answer.status_int >= 400, answer.text
        ((_name, particulars),) = answer.json.items()
        return answer.status_int, particulars['message']

    def create(self, version='2.37', status=202, **fields):
        """Ask for a server; its id."""
        return self.post('/servers', body_of(**fields), version, status)['server']['id']

    def server(self, server_id, version='2.93'):
        """The server as it is shown; None if there is none."""
        answer = self.ask('GET', f'/servers/{server_id}', version=version)
        assert answer.status_int in (200, 404), answer.text
        return answer.json['server'] if answer.status_int == 200 else None

    def wait(self, server_id, version='2.93'):
        """The server once it is at rest; None if it is gone."""
        until, pause = time.monotonic() + PATIENCE, 0.01
        while time.monotonic() < until:
            server = self.server(server_id, version)
            if server is None or (server['status'] != 'BUILD' and server['OS-EXT-STS:task_state'] is None):
                return server
            # Asking takes time that the cloud needs.
            time.sleep(pause := min(pause * 1.5, 0.1))
        raise AssertionError(f'{server_id} does not come to rest: {server}')

    def _told(self, answer, status):
        assert answer.status_int == status, answer.text
        return answer.json if answer.body else None


def running(api, **fields):
    """A new server that runs; its id."""
    server_id = api.create(**fields)
    assert api.wait(server_id)['status'] == 'ACTIVE'
    return server_id


def act(api, server_id, name, arguments=None, status=202, version='2.93'):
    """Ask for an action of a server."""
    return api.post(f'/servers/{server_id}/action', {name: arguments}, version, status)


def last_action(api, server_id):
    """What was last done to a server, and what went wrong with it."""
    action = api.get(f'/servers/{server_id}/os-instance-actions', '2.96')['instanceActions'][0]
    return action['action'], action['message']


def body_of(**fields):
    """What a request for a server says; `hints` go beside it."""
    hints = fields.pop('hints', None)
    server = {'name': 'web', 'imageRef': IMAGE_ID, 'flavorRef': 'small', 'networks': 'none', **fields}
    return {'server': server} | ({'os:scheduler_hints': hints} if hints else {})


IMAGE_ID = '70a599e0-31e7-49b7-b260-868f441e862b'
OTHER_IMAGE_ID = '155d900f-4e14-4e4c-a73d-069cbf4541e6'
