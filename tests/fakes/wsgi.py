"""Let an HTTP client of ours talk to a WSGI application in this process."""

import io

import keystoneauth1.adapter
import keystoneauth1.session
import keystoneauth1.token_endpoint
import requests
import webob


class WsgiTransport(requests.adapters.BaseAdapter):
    """Hands requests to an application; keeps (method, path with query) of each in `calls`."""

    def __init__(self, application):
        super().__init__()
        self.application, self.calls, self.failure = application, [], None

    def send(self, request, **options):
        self.calls.append((request.method, request.path_url))
        if self.failure is not None:
            raise self.failure
        asked = webob.Request.blank(request.path_url, method=request.method, headers=dict(request.headers))
        body = request.body or b''
        asked.body = body.encode() if isinstance(body, str) else body
        answered = asked.get_response(self.application)
        response = requests.Response()
        response.status_code, response.url, response.request = answered.status_code, request.url, request
        response.headers.update(answered.headers)
        response.raw = io.BytesIO(answered.body)
        return response

    def close(self):
        pass

    def adapter(self, token='service'):
        """A keystoneauth adapter on this transport, whose requests carry the token."""
        plain = requests.Session()
        plain.mount('http://', self)
        auth = keystoneauth1.token_endpoint.Token('http://service.test', token)
        session = keystoneauth1.session.Session(auth, plain)
        return keystoneauth1.adapter.Adapter(session, endpoint_override='http://service.test')
