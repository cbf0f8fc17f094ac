"""Options of all console proxies."""

from oslo_config import cfg

GROUP = 'console'
OPTS = [
    cfg.ListOpt(
        'allowed_origins',
        default=[],
        deprecated_opts=[cfg.DeprecatedOpt('console_allowed_origins', group='DEFAULT')],
        help="Hosts, besides the proxy's own, whose pages may open a console. A page on any other host is refused.",
    ),
    cfg.StrOpt(
        'ssl_ciphers',
        help="The ciphers that the proxy offers, in OpenSSL's notation. When it is not set, OpenSSL's own choice.",
    ),
    cfg.StrOpt(
        'ssl_minimum_version',
        default='default',
        choices=[
            ('default', "OpenSSL's own choice."),
            ('tlsv1_1', 'TLS 1.1 or newer.'),
            ('tlsv1_2', 'TLS 1.2 or newer.'),
            ('tlsv1_3', 'TLS 1.3 or newer.'),
        ],
        help='The oldest version of TLS that the proxy accepts.',
    ),
]
