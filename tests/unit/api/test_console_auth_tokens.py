import pytest

PATH = '/os-console-auth-tokens'


@pytest.mark.parametrize('kind', ['novnc', 'spice-html5', 'serial', 'rdp-html5'])
def test_a_token_tells_where_its_console_is(cloud, kind):
    cloud.console_token('good', kind)
    assert cloud.get(f'{PATH}/good', '2.31', 'admin')['console'] == {
        'instance_uuid': '00000000-0000-4000-8000-000000000001',
        'host': '10.0.0.9',
        'port': 5900,
        'internal_access_path': 'a-path',
    }
    assert cloud.request('GET', f'{PATH}/good', None, '2.30', 'admin').status_int == (200 if 'rdp' in kind else 400)


@pytest.mark.parametrize('version', ['2.1', '2.31', '2.96'])
@pytest.mark.parametrize('token', ['unknown', 'late', 'x' * 1000, '%F0%9F%98%80'])
def test_a_token_that_opens_nothing_is_not_found(cloud, token, version):
    cloud.console_token('late', seconds=-1)
    assert cloud.fault('GET', f'{PATH}/{token}', version=version, token='admin') == (404, 'Token not found')


def test_tokens_are_for_administrators(cloud):
    assert cloud.fault('GET', f'{PATH}/good', version='2.31', token='manager')[0] == 403
