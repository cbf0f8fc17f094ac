"""Write the configuration files of the parts, touching only those that changed."""

import os
from collections.abc import Mapping
from pathlib import Path

Sections = Mapping[str, Mapping[str, object]]


def ini(sections: Sections) -> str:
    """An oslo.config file; `$` in values (passwords, paths) is doubled, since oslo.config would interpolate it."""
    lines = []
    for section, options in sections.items():
        lines.append(f'[{section}]')
        lines += [f'{name} = {str(value).replace("$", "$$")}' for name, value in options.items()]
        lines.append('')
    return '\n'.join(lines)


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.read_text() == text:
        return
    aside = path.with_name(path.name + '.new')
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, 'w') as file:
        file.write(text)
    aside.replace(path)


def password_login(keystone_url: str, username: str, password: str) -> dict[str, str]:
    """The options by which a service user logs in, the same in every service's file."""
    return {
        'auth_type': 'password',
        'auth_url': keystone_url,
        'username': username,
        'password': password,
        'project_name': 'service',
        'user_domain_name': 'Default',
        'project_domain_name': 'Default',
        'region_name': 'RegionOne',
    }


def token_validation(keystone_url: str, username: str, password: str) -> dict[str, str]:
    """The options of keystonemiddleware's authtoken."""
    login = password_login(keystone_url, username, password)
    return {
        **login,
        'www_authenticate_uri': keystone_url,
        'service_token_roles': 'service',
        'service_token_roles_required': 'true',
        'interface': 'internal',
    }
