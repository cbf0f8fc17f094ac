"""Options of VNC consoles: the server beside each guest, and the proxy in front of them."""

from oslo_config import cfg

GROUP = 'vnc'

PROXY_OPTS = [
    cfg.StrOpt(
        'novncproxy_host',
        default='0.0.0.0',
        deprecated_opts=[cfg.DeprecatedOpt('novncproxy_host', group='DEFAULT')],
        help='The address that nova-novncproxy listens on.',
    ),
    cfg.PortOpt(
        'novncproxy_port',
        default=6080,
        deprecated_opts=[cfg.DeprecatedOpt('novncproxy_port', group='DEFAULT')],
        help='The port that nova-novncproxy listens on.',
    ),
]

OPTS = [
    cfg.BoolOpt(
        'enabled',
        default=True,
        deprecated_opts=[cfg.DeprecatedOpt('vnc_enabled', group='DEFAULT')],
        help='Whether guests have a screen and a VNC server for it.',
    ),
    cfg.URIOpt(
        'novncproxy_base_url',
        default='http://127.0.0.1:6080/vnc_auto.html',
        deprecated_opts=[cfg.DeprecatedOpt('novncproxy_base_url', group='DEFAULT')],
        help='The URL of the console page, as users reach it. The token is appended.',
    ),
    cfg.HostAddressOpt(
        'server_listen',
        default='127.0.0.1',
        deprecated_opts=[
            cfg.DeprecatedOpt('vncserver_listen', group='DEFAULT'),
            cfg.DeprecatedOpt('vncserver_listen', group='vnc'),
        ],
        help="The address that guests' VNC servers listen on.",
    ),
    cfg.HostAddressOpt(
        'server_proxyclient_address',
        default='127.0.0.1',
        deprecated_opts=[
            cfg.DeprecatedOpt('vncserver_proxyclient_address', group='DEFAULT'),
            cfg.DeprecatedOpt('vncserver_proxyclient_address', group='vnc'),
        ],
        help="The address of this host by which the proxy reaches guests' VNC servers.",
    ),
    *PROXY_OPTS,
]
