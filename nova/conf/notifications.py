"""Options of what is told to whoever listens; [oslo_messaging_notifications] says over which bus, if at all."""

from oslo_config import cfg

GROUP = 'notifications'
OPTS = [
    cfg.StrOpt(
        'notification_format',
        default='unversioned',
        choices=[
            ('unversioned', 'The data alone, on the topics of group [oslo_messaging_notifications].'),
            ('versioned', 'The published payloads with their versions, on versioned_notifications_topics.'),
            ('both', 'Each notification twice.'),
        ],
        deprecated_group='DEFAULT',
        help='The form of notifications. None are sent unless [oslo_messaging_notifications] names a driver.',
    ),
    cfg.ListOpt(
        'versioned_notifications_topics',
        default=['versioned_notifications'],
        help='The topics on which versioned notifications are sent. Each consumer that must see all of them needs one '
        'of its own.',
    ),
    cfg.StrOpt(
        'notify_on_state_change',
        choices=[
            (None, 'Changes of state are told as the ends of what causes them only.'),
            ('vm_state', 'instance.update tells of each change of a state.'),
            ('vm_and_task_state', 'instance.update tells of each change of a state or of a task state.'),
        ],
        deprecated_group='DEFAULT',
        help="Whether changes of a server's state are told by instance.update, too.",
    ),
    cfg.StrOpt(
        'default_level',
        default='INFO',
        choices=['DEBUG', 'INFO', 'WARN', 'ERROR', 'CRITICAL'],
        deprecated_opts=[cfg.DeprecatedOpt('default_notification_level', group='DEFAULT')],
        help='The level of unversioned notifications that tell of no error.',
    ),
    cfg.BoolOpt(
        'bdms_in_notifications',
        default=False,
        help="Whether versioned notifications of a server list its volumes. They are read from the server's cell then.",
    ),
]
