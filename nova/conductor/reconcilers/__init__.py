"""Every reconciler there is."""

from nova.conductor.reconcilers.abandoned_guests import ABANDONED_GUESTS
from nova.conductor.reconcilers.expired_tokens import EXPIRED_TOKENS
from nova.conductor.reconcilers.forgotten_journals import FORGOTTEN_JOURNALS
from nova.conductor.reconcilers.old_answers import OLD_ANSWERS
from nova.conductor.reconcilers.reclaimed_servers import RECLAIMED_SERVERS
from nova.conductor.reconcilers.rescued_servers import RESCUED_SERVERS
from nova.conductor.reconcilers.shelved_servers import SHELVED_SERVERS
from nova.conductor.reconcilers.stuck_operations import STUCK_OPERATIONS
from nova.conductor.reconcilers.unconfirmed_resizes import UNCONFIRMED_RESIZES
from nova.conductor.reconcilers.unfilled_images import UNFILLED_IMAGES
from nova.conductor.reconcilers.untold_memberships import UNTOLD_MEMBERSHIPS
from nova.conductor.reconcilers.usage_audits import USAGE_AUDITS

RECONCILERS = (
    ABANDONED_GUESTS,
    EXPIRED_TOKENS,
    FORGOTTEN_JOURNALS,
    OLD_ANSWERS,
    RECLAIMED_SERVERS,
    RESCUED_SERVERS,
    SHELVED_SERVERS,
    STUCK_OPERATIONS,
    UNCONFIRMED_RESIZES,
    UNFILLED_IMAGES,
    UNTOLD_MEMBERSHIPS,
    USAGE_AUDITS,
)
