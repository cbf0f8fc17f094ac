"""What the network service answers when it refuses, in Neutron's words: a status, a type and a sentence."""


class Fault(Exception):
    """A refusal that the caller sees as {"NeutronError": {"type", "message", "detail"}}."""

    def __init__(self, status: int, kind: str, message: str):
        super().__init__(message)
        self.status, self.kind, self.message = status, kind, message

    def body(self) -> dict[str, dict[str, str]]:
        return {'NeutronError': {'type': self.kind, 'message': self.message, 'detail': ''}}


def not_found(label: str, ident: str) -> Fault:
    words = {
        'SecurityGroup': 'Security group',
        'SecurityGroupRule': 'Security group rule',
        'FloatingIP': 'Floating IP',
    }.get(label, label)
    return Fault(404, f'{label}NotFound', f'{words} {ident} could not be found.')


def invalid(message: str, kind: str = 'InvalidInput') -> Fault:
    return Fault(400, kind, f'Invalid input for operation: {message}')


def bad_request(message: str) -> Fault:
    return Fault(400, 'HTTPBadRequest', message)


def conflict(kind: str, message: str) -> Fault:
    return Fault(409, kind, message)


def forbidden(action: str) -> Fault:
    return Fault(403, 'PolicyNotAuthorized', f'{action} is disallowed by policy')
