"""Options of how requests reach the compute API; their names are those of the library that services used to share."""

from oslo_config import cfg

GROUP = 'oslo_middleware'
OPTS = [
    cfg.BoolOpt(
        'enable_proxy_headers_parsing',
        default=False,
        help='Whether the API stands behind a proxy, as one that ends TLS, whose Forwarded or X-Forwarded-* headers tell '
        'which address the client used; links in answers begin with it. Only for an API that nobody reaches directly.',
    ),
    cfg.IntOpt(
        'max_request_body_size',
        default=114688,
        min=1,
        help='The greatest size, in bytes, of the body of a request to the API.',
    ),
]
