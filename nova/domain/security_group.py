"""Security groups as the network service keeps them."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class SecurityGroupRule:
    """What may pass. Ports are those of TCP and UDP, or type and code of ICMP; None is any. The far side is a range of
    addresses (`cidr`) or the members of another group."""

    id: str
    group_id: str
    direction: str = 'ingress'
    protocol: str | None = None
    from_port: int | None = None
    to_port: int | None = None
    cidr: str | None = None
    remote_group_id: str | None = None
    version: int = 4


@dataclasses.dataclass(frozen=True)
class SecurityGroup:
    id: str
    name: str
    description: str = ''
    project_id: str | None = None
    rules: tuple[SecurityGroupRule, ...] = ()
