import importlib
import pkgutil

import pytest

import nova.conf
from nova.conf import known

MODULES = [importlib.import_module(f'nova.conf.{name}') for name in nova.conf.GROUPS]


@pytest.fixture
def load(tmp_path):
    def load_text(text, *arguments, **options):
        path = tmp_path / 'nova.conf'
        path.write_text(text)
        return nova.conf.load(['--config-file', str(path), *arguments], 'nova-api', **options)

    return load_text


def test_no_group_is_forgotten():
    groups = set()
    for found in pkgutil.iter_modules(nova.conf.__path__):
        if hasattr(importlib.import_module(f'nova.conf.{found.name}'), 'GROUP'):
            groups.add(found.name)
    assert groups == set(nova.conf.GROUPS)


@pytest.mark.parametrize('module', MODULES, ids=lambda module: module.__name__)
def test_every_option_explains_itself_in_sentences(module):
    names = [opt.dest for opt in module.OPTS]
    assert len(names) == len(set(names))
    for opt in module.OPTS:
        assert opt.help, opt.name
        assert opt.help[0].isupper(), opt.name
        assert opt.help.endswith('.'), opt.name


def test_every_option_has_a_value_that_fits(load):
    conf = load('')
    for module in MODULES:
        group = conf if module.GROUP == 'DEFAULT' else conf[module.GROUP]
        for opt in module.OPTS:
            assert opt.dest in group


def test_two_loads_share_nothing(load):
    one = load('[DEFAULT]\nhost = one\n')
    other = load('[DEFAULT]\nhost = other\n')
    assert (one.host, other.host) == ('one', 'other')


@pytest.mark.parametrize(
    ('text', 'group', 'option', 'value'),
    [
        ('[DEFAULT]\nquota_cores = 7', 'quota', 'cores', 7),
        ('[DEFAULT]\nconsole_token_ttl = 5', 'consoleauth', 'token_ttl', 5),
        ('[DEFAULT]\nimage_cache_subdirectory_name = x', 'image_cache', 'subdirectory_name', 'x'),
        ('[vnc]\nvncserver_listen = 10.1.2.3', 'vnc', 'server_listen', '10.1.2.3'),
        ('[libvirt]\ncpu_model = Nehalem', 'libvirt', 'cpu_models', ['Nehalem']),
    ],
)
def test_options_go_by_their_old_names_too(load, text, group, option, value):
    conf = load(text)
    assert conf[group][option] == value
    assert nova.conf.warnings(conf) == []


@pytest.mark.parametrize(
    ('group', 'option', 'value'),
    [
        ('DEFAULT', 'osapi_compute_listen_port', '70000'),
        ('libvirt', 'virt_type', 'vmware'),
        ('DEFAULT', 'enabled_apis', 'ec2'),
        ('quota', 'cores', '-2'),
        ('DEFAULT', 'reserved_host_memory_mb', 'much'),
    ],
)
def test_values_that_do_not_fit_are_refused(load, group, option, value):
    with pytest.raises(ValueError):
        load(f'[{group}]\n{option} = {value}\n')


@pytest.mark.parametrize(
    ('text', 'sentence'),
    [
        ('[DEFAULT]\nhots = a', 'Option hots in group [DEFAULT] is unknown; did you mean host?'),
        ('[vnc]\ntoken_ttl = 4', 'Option token_ttl in group [vnc] is unknown; it belongs in group [consoleauth].'),
        (
            '[plcement]\nauth_type = password',
            'Option auth_type in group [plcement] is unknown; it belongs in group [placement].',
        ),
        ('[frobnicate]\nx = 1', 'Option x in group [frobnicate] is unknown; it has no effect.'),
        (
            '[vmware]\nhost_ip = 10.0.0.1',
            'Option host_ip in group [vmware] is not supported by this version; it has no effect.',
        ),
        (
            '[DEFAULT]\nrootwrap_config = /x',
            'Option rootwrap_config in group [DEFAULT] is not supported by this version; it has no effect.',
        ),
        (
            '[cors]\nallowed_origin = https://cloud.example',
            'Option allowed_origin in group [cors] is not supported by this version; it has no effect.',
        ),
    ],
)
def test_options_without_effect_are_named(load, text, sentence):
    assert nova.conf.warnings(load(text)) == [sentence]


@pytest.mark.parametrize(
    'text',
    [
        '[DEFAULT]\ntransport_url = rabbit://\ndebug = true\nlog_dir = /var/log\nrpc_response_timeout = 5',
        '[keystone_authtoken]\nwww_authenticate_uri = http://x\nmemcached_servers = y\nusername = nova',
        '[placement]\nauth_type = password\nauth_url = http://x\nusername = a\nregion_name = R',
        '[neutron_physnet_tenant]\nnuma_nodes = 0',
        '[oslo_messaging_rabbit]\nrabbit_quorum_queue = true',
        '[oslo_policy]\npolicy_file = policy.yaml',
        '[oslo_middleware]\nenable_proxy_headers_parsing = true',
    ],
)
def test_options_of_libraries_are_no_surprise(load, text):
    assert nova.conf.warnings(load(text)) == []


def test_files_in_a_directory_are_looked_at_too(load, tmp_path):
    directory = tmp_path / 'nova.conf.d'
    directory.mkdir()
    (directory / '10-more.conf').write_text('[DEFAULT]\nhots = a\n')
    (directory / 'notes.txt').write_text('[DEFAULT]\nstots = a\n')
    conf = load('', '--config-dir', str(directory))
    assert nova.conf.warnings(conf) == ['Option hots in group [DEFAULT] is unknown; did you mean host?']


def test_every_supported_option_is_accepted_without_neighbours_too(load):
    text = '[placement]\nauth_url = http://x\n[glance]\nnum_retries = 5\n'
    conf = load(text, with_neighbours=False)
    assert nova.conf.warnings(conf) == []
    assert conf.glance.num_retries == 5
    assert 'auth_url' not in conf.glance


def test_the_table_of_known_options_has_each_pair_once():
    libraries, ours = known.table()
    assert not libraries & ours
    assert ('DEFAULT', 'host') in ours
    assert ('keystone_authtoken', 'www_authenticate_uri') in libraries


def test_the_version_is_told(capsys):
    with pytest.raises(SystemExit) as end:
        nova.conf.load(['--version'], 'nova-api')
    assert end.value.code == 0
    assert capsys.readouterr().out.strip()


def test_options_for_the_sample_have_the_neighbours_login():
    groups = dict(nova.conf.list_opts())
    assert {'auth_url', 'username', 'region_name'} <= {opt.dest for opt in groups['placement']}
    assert 'region_name' not in {opt.dest for opt in groups['service_user']}


def test_neighbours_have_their_service_type(load):
    conf = load('')
    types = {group: conf[group].service_type for group in ('keystone', 'glance', 'placement', 'neutron')}
    assert types == {'keystone': 'identity', 'glance': 'image', 'placement': 'placement', 'neutron': 'network'}
    assert conf.placement.valid_interfaces == ['internal', 'public']


def test_secrets_are_declared_as_such():
    for module in MODULES:
        for opt in module.OPTS:
            if opt.dest in ('connection', 'metadata_proxy_shared_secret'):
                assert opt.secret, f'{module.GROUP}.{opt.dest}'
