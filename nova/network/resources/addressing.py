"""Give addresses of a network's subnets to ports, so that two ports never share one."""

import ipaddress
import random

import sqlalchemy as sa

from nova.network import allocation, faults, tables

GUESSES = 16


def subnets_of(tx, network_id):
    wanted = sa.select(tables.subnets).where(tables.subnets.c.network_id == network_id)
    return list(tx.execute(wanted.order_by(tables.subnets.c.created_at, tables.subnets.c.id)))


def choose(tx, network_id, subnets, fixed_ips, chance, held=()):
    """The (subnet id, number) pairs for a port; `fixed_ips` is the user's wish, None for "whatever the network gives".

    Who takes them must insert them in the same transaction; a port that was faster shows as an IntegrityError there.
    """
    if fixed_ips is None:
        return [_any_of(tx, network_id, subnets, chance)] if subnets else []
    chosen = []
    for wish in fixed_ips:
        subnet = _subnet_for(network_id, subnets, wish)
        if 'ip_address' in wish:
            chosen.append((subnet.id, _this_one(tx, network_id, subnet, wish['ip_address'], held)))
        else:
            chosen.append((subnet.id, _free_in(tx, network_id, subnet, chance, chosen)))
    if len(set(chosen)) != len(chosen):
        raise faults.invalid('An address is given twice in fixed_ips.')
    return chosen


def lowest_free(tx, network_id, subnet):
    """The lowest free address of a subnet, for what wants to be easy to find."""
    for value in allocation.free(subnet.allocation_pools, _taken(tx, subnet)):
        return value
    raise _exhausted(network_id)


def give(tx, port_id, chosen, first_position=0):
    """Write down that the port holds these (subnet id, number) pairs."""
    if chosen:
        tx.execute(
            sa.insert(tables.addresses),
            [
                {
                    'subnet_id': subnet_id,
                    'number': value,
                    'address': allocation.address(value),
                    'position': position,
                    'port_id': port_id,
                }
                for position, (subnet_id, value) in enumerate(chosen, first_position)
            ],
        )


def _subnet_for(network_id, subnets, wish):
    if 'subnet_id' in wish:
        subnet = next((subnet for subnet in subnets if subnet.id == wish['subnet_id']), None)
        if subnet is None:
            raise faults.invalid(
                f'Failed to create port on network {network_id}, because fixed_ips included invalid subnet '
                f'{wish["subnet_id"]}.'
            )
        return subnet
    wanted = ipaddress.ip_address(wish['ip_address'])
    for subnet in subnets:
        if wanted in ipaddress.ip_network(subnet.cidr):
            return subnet
    raise faults.Fault(
        400,
        'InvalidIpForNetwork',
        f'IP address {wanted} is not a valid IP for any of the subnets on the specified network.',
    )


def _this_one(tx, network_id, subnet, address, held):
    value = allocation.number(address)
    if value not in allocation.usable(subnet.cidr):
        raise faults.Fault(
            400, 'InvalidIpForSubnet', f'IP address {address} is not a valid IP for the specified subnet.'
        )
    if (subnet.id, value) in held:
        return value
    at = sa.and_(tables.addresses.c.subnet_id == subnet.id, tables.addresses.c.number == value)
    if address == subnet.gateway_ip or tx.execute(sa.select(tables.addresses.c.number).where(at)).one_or_none():
        raise faults.conflict(
            'IpAddressAlreadyAllocated', f'IP address {address} already allocated in subnet {subnet.id}'
        )
    return value


def _any_of(tx, network_id, subnets, chance):
    for subnet in subnets:
        try:
            return subnet.id, _free_in(tx, network_id, subnet, chance)
        except faults.Fault:
            continue
    raise _exhausted(network_id)


def _free_in(tx, network_id, subnet, chance: random.Random, chosen=()):
    """A free number. Guesses first: at any size of subnet they cost one small query, and hardly ever all miss."""
    chosen = {value for subnet_id, value in chosen if subnet_id == subnet.id}
    guesses = [value for value in allocation.guesses(subnet.allocation_pools, GUESSES, chance) if value not in chosen]
    taken = _taken(tx, subnet, guesses)
    for value in guesses:
        if value not in taken:
            return value
    for value in allocation.free(subnet.allocation_pools, _taken(tx, subnet) | chosen):
        return value
    raise _exhausted(network_id)


def _taken(tx, subnet, among=None):
    wanted = sa.select(tables.addresses.c.number).where(tables.addresses.c.subnet_id == subnet.id)
    if among is not None:
        wanted = wanted.where(tables.addresses.c.number.in_(among))
    return set(tx.execute(wanted).scalars())


def _exhausted(network_id):
    return faults.conflict('IpAddressGenerationFailure', f'No more IP addresses available on network {network_id}.')
