"""What is told to whoever listens: the published payloads, made of domain values."""

from nova.domain.notifications.envelope import Notification as Notification
from nova.domain.notifications.envelope import Wishes as Wishes
