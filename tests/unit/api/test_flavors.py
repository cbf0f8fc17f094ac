import pytest

FLAVOR = {'name': 'small', 'ram': 1024, 'vcpus': 2, 'disk': 10}


def make(cloud, version=None, **fields):
    return cloud.send('POST', '/flavors', {'flavor': FLAVOR | fields}, version, token='admin', status=200)['flavor']


def ids(answer):
    return [flavor['id'] for flavor in answer['flavors']]


def test_a_flavor_that_names_no_id_gets_a_uuid(cloud):
    assert len(make(cloud)['id']) == len(make(cloud, name='other', id='auto')['id']) == 36


def test_numbers_may_come_as_text_and_are_kept_as_numbers(cloud):
    made = make(cloud, ram='1024', vcpus='2', disk='10', id=77, rxtx_factor='1.5')
    assert (made['id'], made['ram'], made['vcpus'], made['disk'], made['rxtx_factor']) == ('77', 1024, 2, 10, 1.5)


@pytest.mark.parametrize(
    ('field', 'value'),
    [
        ('ram', 0),
        ('ram', '0'),
        ('ram', -5),
        ('ram', 2147483648),
        ('ram', '2147483648'),
        ('ram', 1.5),
        ('ram', None),
        ('vcpus', 0),
        ('vcpus', 'many'),
        ('disk', -1),
        ('swap', -1),
        ('OS-FLV-EXT-DATA:ephemeral', -1),
        ('name', ''),
        ('name', '   '),
        ('name', 'x' * 256),
        ('name', 'bell\x07'),
        ('name', 5),
        ('id', 'bad/id'),
        ('id', ' space'),
        ('rxtx_factor', 0),
        ('rxtx_factor', 'x'),
        ('os-flavor-access:is_public', 'perhaps'),
    ],
)
def test_a_field_beyond_its_bounds_is_refused_by_name(cloud, field, value):
    status, message = cloud.fault('POST', '/flavors', {'flavor': FLAVOR | {field: value}}, token='admin')
    assert status == 400
    assert field in message


@pytest.mark.parametrize('field', ['name', 'ram', 'vcpus', 'disk'])
def test_a_required_field_must_be_there(cloud, field):
    body = {'flavor': {name: value for name, value in FLAVOR.items() if name != field}}
    status, message = cloud.fault('POST', '/flavors', body, token='admin')
    assert status == 400
    assert f"'{field}' is a required property" in message


def test_names_and_ids_are_unique(cloud):
    make(cloud, id='7')
    assert cloud.fault('POST', '/flavors', {'flavor': FLAVOR | {'id': '8'}}, token='admin')[0] == 409
    assert cloud.fault('POST', '/flavors', {'flavor': FLAVOR | {'id': '7', 'name': 'n'}}, token='admin')[0] == 409


@pytest.mark.parametrize(('version', 'shown'), [('2.1', ''), ('2.74', ''), ('2.75', 0)])
def test_no_swap_is_an_empty_text_to_old_clients(cloud, version, shown):
    assert cloud.get('/flavors/1', version)['flavor']['swap'] == shown
    assert cloud.get('/flavors/big', version)['flavor']['swap'] == 512


def test_only_the_description_changes(cloud):
    path, body = '/flavors/1', {'flavor': {'description': 'größer'}}
    assert cloud.fault('PUT', path, body, '2.54', token='admin')[0] == 404
    assert cloud.send('PUT', path, body, '2.55', token='admin', status=200)['flavor']['description'] == 'größer'
    for wrong in ({'name': 'x'}, {'description': 'x', 'ram': 1}, {}, {'description': 'x' * 65536}):
        assert cloud.fault('PUT', path, {'flavor': wrong}, '2.55', token='admin')[0] == 400
    assert cloud.get(path, '2.55')['flavor']['description'] == 'größer'
    assert 'description' not in cloud.get(path, '2.54')['flavor']


def test_a_description_cannot_be_given_before_2_55(cloud):
    body = {'flavor': FLAVOR | {'description': 'x'}}
    assert cloud.fault('POST', '/flavors', body, '2.54', token='admin')[0] == 400
    assert make(cloud, '2.55', description='x')['description'] == 'x'


def test_a_deleted_flavor_is_gone(cloud):
    cloud.send('DELETE', '/flavors/1', token='admin', status=202)
    assert cloud.fault('GET', '/flavors/1')[0] == 404
    assert cloud.fault('DELETE', '/flavors/1', token='admin')[0] == 404
    with pytest.raises(Exception, match='could not be found'):
        cloud.services.flavors.get('1', None)


def test_a_private_flavor_is_seen_by_the_projects_that_were_given_it(cloud):
    access = '/flavors/secret/action'
    assert cloud.fault('GET', '/flavors/secret')[0] == 404
    assert 'secret' not in ids(cloud.get('/flavors'))
    cloud.send('POST', access, {'addTenantAccess': {'tenant': 'demo'}}, token='admin', status=200)
    assert cloud.get('/flavors/secret')['flavor']['os-flavor-access:is_public'] is False
    assert 'secret' in ids(cloud.get('/flavors'))
    assert 'secret' not in ids(cloud.get('/flavors', token='stranger'))
    listed = cloud.get('/flavors/secret/os-flavor-access', token='admin')
    assert listed == {'flavor_access': [{'flavor_id': 'secret', 'tenant_id': 'demo'}]}
    assert cloud.fault('POST', access, {'addTenantAccess': {'tenant': 'demo'}}, token='admin')[0] == 409
    cloud.send('POST', access, {'removeTenantAccess': {'tenant': 'demo'}}, token='admin', status=200)
    assert cloud.fault('POST', access, {'removeTenantAccess': {'tenant': 'demo'}}, token='admin')[0] == 404
    assert cloud.fault('GET', '/flavors/secret')[0] == 404


@pytest.mark.parametrize(('version', 'status'), [('2.6', 200), ('2.7', 409)])
def test_access_to_a_public_flavor_is_not_given_from_2_7(cloud, version, status):
    body = {'addTenantAccess': {'tenant': 'demo'}}
    cloud.send('POST', '/flavors/1/action', body, version, token='admin', status=status)


def test_a_public_flavor_has_no_access_list(cloud):
    assert cloud.fault('GET', '/flavors/1/os-flavor-access', token='admin')[0] == 404


@pytest.mark.parametrize(
    ('query', 'found'),
    [
        ('', ['1', 'big', 'none']),
        ('?is_public=none', ['1', 'big', 'none', 'secret']),
        ('?is_public=false', ['secret']),
        ('?is_public=True', ['1', 'big', 'none']),
        ('?minRam=513', ['big']),
        ('?minDisk=1', ['1', 'big']),
        ('?sort_key=memory_mb&sort_dir=desc&limit=1', ['big']),
        ('?limit=1&marker=1', ['big']),
        ('?limit=0', []),
        ('?unknown=1', ['1', 'big', 'none']),
    ],
)
def test_a_list_can_be_filtered_sorted_and_paged(cloud, query, found):
    assert ids(cloud.get(f'/flavors{query}', token='admin')) == found


def test_a_user_cannot_list_private_flavors_by_asking(cloud):
    assert ids(cloud.get('/flavors?is_public=none')) == ['1', 'big', 'none']


@pytest.mark.parametrize(
    'query',
    ['limit=-1', 'limit=x', 'minRam=x', 'minDisk=-1', 'is_public=x', 'marker=x', 'sort_key=secret', 'sort_dir=up'],
)
def test_a_wrong_parameter_is_refused(cloud, query):
    assert cloud.fault('GET', f'/flavors?{query}', token='admin')[0] == 400


def test_unknown_parameters_are_refused_from_2_75(cloud):
    cloud.get('/flavors?unknown=1', '2.74')
    status, message = cloud.fault('GET', '/flavors?unknown=1', version='2.75')
    assert status == 400
    assert "'unknown' was unexpected" in message


def test_pages_lead_through_the_whole_list(cloud):
    path, seen = '/flavors?limit=2', []
    while path:
        page = cloud.get(path)
        seen += ids(page)
        link = page.get('flavors_links', [{'href': ''}])[0]['href']
        path = link.partition('/v2.1')[2]
    assert seen == ['1', 'big', 'none']


def test_extra_specs_are_shown_to_those_whom_policy_lets(cloud):
    cloud.extra_specs('1', speed='high')
    assert cloud.get('/flavors/1', '2.61')['flavor']['extra_specs'] == {'speed': 'high'}
    assert 'extra_specs' not in cloud.get('/flavors/1', '2.61', token='roleless')['flavor']
    assert 'extra_specs' not in cloud.get('/flavors/1', '2.60')['flavor']


def test_extra_specs_are_added_changed_and_removed(cloud):
    path = '/flavors/1/os-extra_specs'
    cloud.send('POST', path, {'extra_specs': {'a': '1', 'b': 2}}, token='admin', status=200)
    assert cloud.send('PUT', f'{path}/a', {'a': '3'}, token='admin', status=200) == {'a': '3'}
    assert cloud.get(path) == {'extra_specs': {'a': '3', 'b': '2'}}
    assert cloud.fault('PUT', f'{path}/a', {'b': '3'}, token='admin') == (400, 'Request body and URI mismatch')
    assert cloud.fault('PUT', f'{path}/a', {'a': '3', 'b': '3'}, token='admin')[0] == 400
    cloud.send('DELETE', f'{path}/a', token='admin', status=200)
    assert cloud.fault('GET', f'{path}/a')[0] == cloud.fault('DELETE', f'{path}/a', token='admin')[0] == 404


@pytest.mark.parametrize(('version', 'status'), [('2.85', 200), ('2.86', 400)])
@pytest.mark.parametrize('specs', [{'hw:cpu_policy': 'loose'}, {'hw:nonsense': '1'}, {'trait:NO_SUCH': 'required'}])
def test_known_extra_specs_are_checked_from_2_86(cloud, version, status, specs):
    cloud.send('POST', '/flavors/1/os-extra_specs', {'extra_specs': specs}, version, token='admin', status=status)


@pytest.mark.parametrize('specs', [{'bad/key': '1'}, {'k' * 256: '1'}, {'k': 'v' * 256}, {'k': None}, {'k': {}}, 'x'])
def test_extra_specs_of_a_wrong_form_are_refused(cloud, specs):
    assert cloud.fault('POST', '/flavors/1/os-extra_specs', {'extra_specs': specs}, token='admin')[0] == 400


def test_flavors_can_be_sorted_by_what_clients_know(cloud):
    made = [make(cloud, name=f'n{number}', id=f'{9 - number}')['id'] for number in range(3)]
    newest_first = ids(cloud.get('/flavors?sort_key=id&sort_dir=desc'))
    assert newest_first[:3] == made[::-1]
    assert ids(cloud.get('/flavors?sort_key=vcpu_weight')) == sorted(ids(cloud.get('/flavors')))


def test_an_administrator_sees_the_private_flavors_of_their_own_project_among_the_public_ones(cloud):
    assert 'secret' not in ids(cloud.get('/flavors', token='admin'))
    give = {'addTenantAccess': {'tenant': 'admin-project'}}
    cloud.send('POST', '/flavors/secret/action', give, token='admin', status=200)
    assert 'secret' in ids(cloud.get('/flavors', token='admin'))
    assert ids(cloud.get('/flavors?is_public=False', token='admin')) == ['secret']


def test_the_next_page_of_the_detail_is_of_the_detail(cloud):
    page = cloud.get('/flavors/detail?limit=1&sort_key=name&sort_dir=desc')
    link = page['flavors_links'][0]['href']
    assert '/v2.1/flavors/detail?' in link
    assert ids(cloud.get(link.partition('/v2.1')[2])) == ['big']


@pytest.mark.parametrize('path', ['/flavors', '/flavors/detail'])
def test_a_list_costs_one_statement_however_many_flavors_there_are(cloud, path):
    def cost():
        before = cloud.databases.statements.value
        cloud.get(path, '2.61')
        return cloud.databases.statements.value - before

    few = cost()
    for number in range(5):
        make(cloud, name=f'n{number}')
        cloud.extra_specs('1', **{f'k{number}': 'v'})
    assert cost() == few == 1
