"""Every reconciler there is."""

from nova.conductor.reconcilers.abandoned_guests import ABANDONED_GUESTS
from nova.conductor.reconcilers.expired_tokens import EXPIRED_TOKENS
from nova.conductor.reconcilers.old_answers import OLD_ANSWERS
from nova.conductor.reconcilers.stuck_operations import STUCK_OPERATIONS
from nova.conductor.reconcilers.untold_memberships import UNTOLD_MEMBERSHIPS
from nova.conductor.reconcilers.usage_audits import USAGE_AUDITS

RECONCILERS = (ABANDONED_GUESTS, EXPIRED_TOKENS, OLD_ANSWERS, STUCK_OPERATIONS, UNTOLD_MEMBERSHIPS, USAGE_AUDITS)
