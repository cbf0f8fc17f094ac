"""Options of nova-network, the network service for clouds that do not run Neutron."""

from oslo_config import cfg, types

GROUP = 'network_service'
OPTS = [
    cfg.HostAddressOpt('listen', default='0.0.0.0', help='The address on which nova-network serves its API.'),
    cfg.PortOpt('port', default=9696, help='The port on which nova-network serves its API.'),
    cfg.IntOpt('threads', default=8, min=1, max=256, help='How many requests nova-network works on at once.'),
    cfg.StrOpt(
        'auth_strategy',
        default='keystone',
        choices=[
            ('keystone', 'A token of the identity service says who calls.'),
            ('noauth', 'Callers say themselves who they are. For tests only.'),
        ],
        help='How nova-network knows who calls it.',
    ),
    cfg.StrOpt(
        'connection',
        secret=True,
        help='The SQLAlchemy URL of the database of nova-network. Without it a SQLite file in state_dir is used.',
    ),
    cfg.StrOpt(
        'state_dir',
        default='/var/lib/nova/network',
        help='The directory for what nova-network and its DHCP servers keep on this machine.',
    ),
    cfg.StrOpt(
        'backend',
        default='bridge',
        choices=[
            ('bridge', 'Linux bridges, dnsmasq and nftables of this machine. Needs root.'),
            ('none', 'Nothing on this machine: networks and ports are records only, for simulated guests.'),
        ],
        help='What nova-network does on its machine for the networks it keeps.',
    ),
    cfg.StrOpt(
        'namespace',
        help='The network namespace (as `ip netns` names it) that holds bridges, DHCP servers and firewall. It must '
        'exist. Without it they are in the namespace that nova-network itself runs in.',
    ),
    cfg.StrOpt(
        'nft_table',
        default='nova_network',
        regex='^[a-z][a-z0-9_]{0,30}$',
        help='The nftables table that nova-network owns. It also marks the bridges, so two clouds that share a '
        'machine and a namespace need two names.',
    ),
    cfg.StrOpt(
        'dns_domain',
        default='openstacklocal',
        help='The domain of the names of guests, on networks that have no domain of their own.',
    ),
    cfg.ListOpt(
        'dns_servers',
        item_type=types.IPAddress(),
        default=[],
        help='Name servers that the DHCP servers ask for all other names. Without it those in /etc/resolv.conf.',
    ),
    cfg.IntOpt(
        'dhcp_lease_duration', default=86400, min=120, help='The time, in seconds, for which guests get their address.'
    ),
    cfg.IntOpt('mtu', default=1500, min=576, max=65535, help='The MTU of networks whose creator names none.'),
    cfg.URIOpt(
        'metadata_url',
        default='http://127.0.0.1:8775',
        schemes=['http', 'https'],
        help='Where the metadata service of Compute is, to which requests of guests to 169.254.169.254 are forwarded, '
        'signed with metadata_proxy_shared_secret of group [neutron].',
    ),
    cfg.PortOpt(
        'metadata_proxy_port',
        default=9697,
        help='The port on each bridge to which requests of guests to 169.254.169.254 port 80 are redirected.',
    ),
    cfg.IntOpt(
        'reconcile_interval',
        default=60,
        min=1,
        help='The time, in seconds, after which the machine is compared with the database even if nothing changed.',
    ),
    cfg.IntOpt(
        'pagination_max_limit', default=1000, min=1, help='The most items that a list of the network API has on a page.'
    ),
]
