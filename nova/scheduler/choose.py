"""Choose hosts for servers and claim their room, with as few requests to Placement as can be.

All requests that are answered together make one claim, and share what Placement said of room a moment ago. If the claim
is lost to somebody else, it is made once more from fresh answers, and then request by request.
"""

import dataclasses
import logging
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from nova import errors
from nova.clients.placement import Changed, NoCapacity, PlacementClient
from nova.domain.host import Host
from nova.domain.placement import Candidate, Claim
from nova.domain.request import DIFFERENT_HOST, SAME_HOST, Choice, PlacementRequest, Selection
from nova.scheduler import wanted as wanting
from nova.scheduler.filters.named_servers import DifferentHost, SameHost
from nova.scheduler.groups import Groups, group_of
from nova.scheduler.hosts import Hosts, with_claim
from nova.scheduler.place import Filter, Ranking, Weigher, place
from nova.scheduler.room import Room, Taken

LOG = logging.getLogger(__name__)

ROUNDS_ALONE = 6
REASONS_KEPT = 200

Requests = tuple[PlacementRequest, ...]


@dataclasses.dataclass(frozen=True)
class Rules:
    """How hosts are compared; replaced as a whole when the options are read again."""

    filters: tuple[Filter, ...]
    weighers: tuple[Weigher, ...]
    default_zone: str = 'nova'
    # Of how many of the best hosts one is taken by chance.
    subset_size: int = 1
    shuffle_equals: bool = False


@dataclasses.dataclass(frozen=True)
class Planned:
    """One request's choice, and the claim to be made for it; None if it has one already, or no host."""

    choice: Choice
    claim: Claim | None = None
    amounts: Mapping[str, int] = dataclasses.field(default_factory=dict)
    # How many servers the host gains.
    servers: int = 1


class Draft:
    """What a batch has decided and not claimed yet: every choice counts for the next one."""

    def __init__(self, view: dict[str, Host], began: float):
        self.view, self.began = view, began
        self.taken = Taken()
        self._chosen: list[tuple[str, Planned]] = []
        # Group, server and host of each choice for a member of a group.
        self.grouped: list[tuple[str, str, str]] = []

    def members_of(self, group_id: str | None) -> dict[str, str]:
        return {server_id: host for group, server_id, host in self.grouped if group == group_id}

    def note(self, node_id: str, planned: Planned) -> None:
        self.taken.take(planned.claim.allocations)
        self._chosen.append((node_id, planned))
        self.view[node_id] = with_claim(self.view[node_id], planned.amounts, planned.servers)

    def renew(self, view: dict[str, Host]) -> None:
        """Go on from a newer picture of the hosts."""
        for node_id, planned in self._chosen:
            if node_id in view:
                view[node_id] = with_claim(view[node_id], planned.amounts, planned.servers)
        self.view = view


@dataclasses.dataclass
class Obstacles:
    """What earlier rounds ran into: providers that were full after all, and servers that have a claim already."""

    full: set[str] = dataclasses.field(default_factory=set)
    held: dict[str, Claim] = dataclasses.field(default_factory=dict)
    # Of servers that Placement knows although they have nothing: left there by a claim that was cut off.
    generations: dict[str, int] = dataclasses.field(default_factory=dict)


class Chooser:
    """Answers `select`; one call at a time, each for as many requests as there are."""

    def __init__(
        self,
        placement: PlacementClient,
        hosts: Hosts,
        room: Room,
        rules: Rules,
        clock: Any,
        groups: Groups | None = None,
        places: Callable[[Collection[str]], dict[str, tuple[str, ...]]] | None = None,
    ):
        self._placement, self._hosts, self._room, self._clock = placement, hosts, room, clock
        self._groups, self._places = groups, places
        self.rules = rules
        self.counts = {'selected': 0, 'refused': 0, 'lost_claims': 0}

    def choose(self, selects: Sequence[Requests]) -> list[tuple[Choice, ...] | Exception]:
        """The choices for each select, or the error that it ends with."""
        if len(selects) > 1:
            for _round in range(2):
                try:
                    return self._together(selects, Obstacles())
                except NoCapacity as lost:
                    self._lost(lost)
                except Changed as lost:
                    self._lost(lost)
                    break
                except errors.Refused:
                    # One of them asks for what Placement does not know; the others shall not suffer from it.
                    break
        return [self._alone(requests) for requests in selects]

    def _alone(self, requests: Requests) -> tuple[Choice, ...] | Exception:
        obstacles = Obstacles()
        try:
            for _round in range(ROUNDS_ALONE):
                try:
                    return self._together((requests,), obstacles)[0]
                except NoCapacity as lost:
                    self._lost(lost)
                    obstacles.full |= lost.provider_ids
                except Changed as lost:
                    self._lost(lost)
                    self._find_held(requests, obstacles)
        except errors.NovaError as failure:
            return failure
        return errors.ServiceDown(
            f'Room for {requests[0].server_id} was lost to others {ROUNDS_ALONE} times in a row; try again.'
        )

    def _lost(self, lost: Exception) -> None:
        self.counts['lost_claims'] += 1
        LOG.debug('A claim was lost; choosing again: %s', lost)
        self._room.forget()

    def _together(self, selects: Sequence[Requests], obstacles: Obstacles) -> list[tuple[Choice, ...]]:
        draft = Draft(self._hosts.view(), self._clock())
        planned = [[self._plan(draft, request, obstacles) for request in requests] for requests in selects]
        claims = [plan for plans in planned for plan in plans if plan.claim]
        if claims:
            self._placement.claim([plan.claim for plan in claims])
            self._room.claimed(plan.claim.allocations for plan in claims)
            for plan in claims:
                self._hosts.claimed(plan.choice.selection.node_id, plan.amounts, plan.servers)
            if draft.grouped:
                self._groups.chosen(draft.grouped)
        for plans in planned:
            for plan in plans:
                self.counts['selected' if plan.choice.selection else 'refused'] += 1
        return [tuple(plan.choice for plan in plans) for plans in planned]

    def _plan(self, draft: Draft, request: PlacementRequest, obstacles: Obstacles) -> Planned:
        request = self._with_places(request)
        group_id = group_of(request)
        if self._groups and group_id:
            places = self._groups.places(request, draft.members_of(group_id))
            request = dataclasses.replace(request, group=places)
        planned = self._kept(draft, request, obstacles) or self._new(draft, request, obstacles)
        if self._groups and group_id and planned.choice.selection:
            draft.grouped.append((group_id, request.server_id, planned.choice.selection.host))
        return planned

    def _with_places(self, request: PlacementRequest) -> PlacementRequest:
        """With the hosts of the servers that its hints name."""
        read = self._places and any(isinstance(rule, SameHost | DifferentHost) for rule in self.rules.filters)
        named = {*request.named(SAME_HOST), *request.named(DIFFERENT_HOST)} if read else ()
        return dataclasses.replace(request, places=self._places(named)) if named else request

    def _new(self, draft: Draft, request: PlacementRequest, obstacles: Obstacles) -> Planned:
        planned = self._look(draft, request, obstacles, since=None)
        if planned.choice.selection is None:
            # Before anybody is refused, look at what is, not at what was a moment ago.
            waited = self._clock() - draft.began
            if self._hosts.age() > waited:
                self._hosts.refresh(whole=True)
                draft.renew(self._hosts.view())
            planned = self._look(draft, request, obstacles, since=draft.began)
        return planned

    def _look(self, draft: Draft, request: PlacementRequest, obstacles: Obstacles, since: float | None) -> Planned:
        wanted = wanting.wanted(request, self._tree(draft, request))
        answer = self._room.find(wanted, since)
        possible: dict[str, Candidate] = {}
        for node_id, candidates in answer.candidates.items():
            if node_id not in draft.view or node_id in obstacles.full:
                continue
            found = next((each for each in candidates if answer.fits(each, draft.taken)), None)
            if found:
                possible[node_id] = found
        rules = self.rules
        ranking = place(request, [draft.view[node_id] for node_id in possible], rules.filters, rules.weighers)
        if not ranking.fitting:
            return Planned(Choice(None, self._reasons(draft, request, possible, wanting.amounts(request))))
        host = self._pick(ranking)
        return self._planned(draft, request, obstacles, host, possible[host.node_id], ranking.rejected)

    def _planned(
        self,
        draft: Draft,
        request: PlacementRequest,
        obstacles: Obstacles,
        host: Host,
        candidate: Candidate,
        rejected: dict[str, str],
    ) -> Planned:
        held = obstacles.held.get(request.server_id)
        generation = held.generation if held else obstacles.generations.get(request.server_id)
        claim = Claim(request.server_id, request.project_id, request.user_id, candidate.allocations, generation)
        choice = Choice(self._selection(request, host), _some(rejected))
        planned = Planned(choice, claim, wanting.amounts(request), 0 if request.stays else 1)
        draft.note(host.node_id, planned)
        return planned

    def _selection(self, request: PlacementRequest, host: Host) -> Selection:
        zone = host.availability_zone or self.rules.default_zone
        return Selection(request.server_id, host.name, host.node, host.node_id, host.cell_id, zone)

    def _kept(self, draft: Draft, request: PlacementRequest, obstacles: Obstacles) -> Planned | None:
        """The host that the server has claimed before, if it still fits."""
        held = obstacles.held.get(request.server_id)
        if held is None or _total(held.allocations) != wanting.amounts(request):
            return None
        hosts = [draft.view[node_id] for node_id in held.allocations if node_id in draft.view]
        ranking = place(request, hosts, self.rules.filters, ())
        if not ranking.fitting:
            return None
        return Planned(Choice(self._selection(request, ranking.fitting[0].host)))

    def _find_held(self, requests: Requests, obstacles: Obstacles) -> None:
        for request in requests:
            held = self._placement.allocation(request.server_id)
            if held:
                obstacles.held[request.server_id] = held
            elif obstacles.generations.pop(request.server_id, None) is None:
                obstacles.generations[request.server_id] = 0

    def _pick(self, ranking: Ranking) -> Host:
        best = ranking.fitting[: self.rules.subset_size]
        if self.rules.shuffle_equals and self.rules.subset_size == 1:
            best = [item for item in ranking.fitting if item.weight == ranking.fitting[0].weight]
        return best[0].host if len(best) == 1 else random.choice(best).host

    def _tree(self, draft: Draft, request: PlacementRequest) -> str | None:
        """A host that is named must not be missed among more candidates than Placement is asked for."""
        if not (request.host or request.node):
            return None
        return next(
            (
                host.node_id
                for host in draft.view.values()
                if request.host in (None, host.name) and request.node in (None, host.node)
            ),
            None,
        )

    def _reasons(
        self, draft: Draft, request: PlacementRequest, possible: Mapping[str, Candidate], amounts: Mapping[str, int]
    ) -> dict[str, str]:
        """Why no host will do: the rule that a host breaks, or what it lacks."""
        hosts = draft.view.values()
        reasons = place(request, hosts, self.rules.filters, ()).rejected
        for host in hosts:
            if host.name not in reasons and host.node_id not in possible:
                reasons[host.name] = _shortfall(host, amounts)
        return _some(reasons)


def _total(allocations: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for part in allocations.values():
        for name, amount in part.items():
            found[name] = found.get(name, 0) + amount
    return found


def _shortfall(host: Host, amounts: Mapping[str, int]) -> str:
    free = {
        'VCPU': (host.free_vcpus, 'virtual processors'),
        'MEMORY_MB': (host.free_memory_mb, 'MB of memory'),
        'DISK_GB': (host.free_disk_gb, 'GB of disk'),
    }
    short = [
        f'{max(0, int(free[name][0]))} {free[name][1]} free, {amount} asked for'
        for name, amount in amounts.items()
        if name in free and free[name][0] < amount
    ]
    if short:
        return f'It has too little room: {"; ".join(short)}.'
    return 'Placement has no room for the server on it, or it lacks a trait that is asked for.'


def _some(reasons: dict[str, str]) -> dict[str, str]:
    """Not more reasons than a message and a journal can bear."""
    return dict(list(reasons.items())[:REASONS_KEPT]) if len(reasons) > REASONS_KEPT else reasons
