"""Options that the groups of all neighbours share: how to authenticate, and where the endpoint is."""

from oslo_config import cfg

INTERFACES = ['internal', 'public']


def register(conf: cfg.ConfigOpts, group: str, service_type: str) -> None:
    """Declare keystoneauth's options in `group`. Without a service type there is no endpoint, only an identity."""
    from keystoneauth1 import loading

    loading.register_auth_conf_options(conf, group)
    loading.register_session_conf_options(conf, group)
    if service_type:
        loading.register_adapter_conf_options(conf, group)
        conf.set_default('service_type', service_type, group=group)
        conf.set_default('valid_interfaces', INTERFACES, group=group)


def options(service_type: str) -> list[cfg.Opt]:
    """The same options as a list, for the sample file."""
    from keystoneauth1 import loading

    listed = [*loading.get_auth_common_conf_options(), *loading.get_session_conf_options()]
    listed += loading.get_auth_plugin_conf_options('v3password')
    if service_type:
        adapter = loading.get_adapter_conf_options()
        cfg.set_defaults(adapter, service_type=service_type, valid_interfaces=INTERFACES)
        listed += adapter
    return sorted({opt.dest: opt for opt in listed}.values(), key=lambda opt: opt.dest)
