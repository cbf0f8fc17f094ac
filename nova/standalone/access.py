"""How users reach the cloud: clouds.yaml, and the variables of `env`."""

import os
import shlex
import shutil
from pathlib import Path

from nova.standalone import configuration
from nova.standalone.layout import Layout
from nova.standalone.secrets import Secrets

PEOPLE = {'nova': ('admin', 'admin'), 'nova-demo': ('demo', 'demo')}  # cloud -> user, project

CLOUD = """\
  {cloud}:
    region_name: RegionOne
    identity_api_version: 3
    auth_type: password
    auth:
      auth_url: {auth_url}
      username: {user}
      password: {password}
      project_name: {project}
      user_domain_name: Default
      project_domain_name: Default
"""


def write_clouds_yaml(layout: Layout, secrets: Secrets) -> None:
    text = 'clouds:\n' + ''.join(
        CLOUD.format(
            cloud=cloud, user=user, project=project, password=secrets[user], auth_url=layout.url('keystone', '/v3')
        )
        for cloud, (user, project) in PEOPLE.items()
    )
    configuration.write(layout.clouds_yaml, text)


def variables(layout: Layout, secrets: Secrets, cloud: str) -> dict[str, str]:
    user, project = PEOPLE[cloud]
    return {
        'OS_AUTH_URL': layout.url('keystone', '/v3'),
        'OS_AUTH_TYPE': 'password',
        'OS_IDENTITY_API_VERSION': '3',
        'OS_REGION_NAME': 'RegionOne',
        'OS_USERNAME': user,
        'OS_PASSWORD': secrets[user],
        'OS_PROJECT_NAME': project,
        'OS_USER_DOMAIN_NAME': 'Default',
        'OS_PROJECT_DOMAIN_NAME': 'Default',
        'OS_CLIENT_CONFIG_FILE': str(layout.clouds_yaml),
    }


def openstack_program(layout: Layout) -> str:
    """The command-line client as a person would type it here."""
    return 'openstack' if shutil.which('openstack') else layout.neighbour_program('openstack')


def shell_lines(layout: Layout, secrets: Secrets, cloud: str) -> list[str]:
    """For `eval`: the login, and the folder of the client if the shell does not have one."""
    lines = ['unset OS_CLOUD OS_TOKEN OS_PROJECT_ID OS_USER_ID']
    lines += [f'export {name}={shlex.quote(value)}' for name, value in variables(layout, secrets, cloud).items()]
    client = Path(layout.neighbour_program('openstack'))
    if not shutil.which('openstack') and os.access(client, os.X_OK):
        lines.append(f'export PATH="$PATH":{shlex.quote(str(client.parent))}')
    return lines
