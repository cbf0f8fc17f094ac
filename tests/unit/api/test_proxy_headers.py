"""The client's address, as a proxy in front tells it."""

import pytest

from nova.api import proxy_headers


@pytest.mark.parametrize(
    ('headers', 'address'),
    [
        ({}, '10.0.0.1'),
        ({'HTTP_X_FORWARDED_FOR': '192.0.2.1'}, '192.0.2.1'),
        ({'HTTP_X_FORWARDED_FOR': '192.0.2.1, 10.0.0.7'}, '192.0.2.1'),
        ({'HTTP_X_FORWARDED_FOR': '2001:db8::1'}, '2001:db8::1'),
        ({'HTTP_FORWARDED': 'for=192.0.2.1:4711;proto=https'}, '192.0.2.1'),
        ({'HTTP_FORWARDED': 'For="[2001:db8::1]:4711"'}, '2001:db8::1'),
        ({'HTTP_FORWARDED': 'For="[2001:db8::1]"'}, '2001:db8::1'),
        ({'HTTP_FORWARDED': 'for=unknown'}, 'unknown'),
    ],
)
def test_the_client_is_the_first_that_was_forwarded_for(headers, address):
    environ = {'REMOTE_ADDR': '10.0.0.1', 'SCRIPT_NAME': '', **headers}
    proxy_headers.believe(environ)
    assert environ['REMOTE_ADDR'] == address
