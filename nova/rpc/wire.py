"""The form that calls and answers have on the bus."""

from typing import Any

from nova import errors
from nova.context import Context
from nova.domain import record

# The errors that cross the bus keep their class; any other is a bug at the far end and arrives as HostFailed.
_BY_NAME = {
    name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, errors.NovaError)
}


class Serializer:
    """oslo.messaging's serializer interface: contexts become dicts; arguments are plain already."""

    def serialize_context(self, context: Context) -> dict[str, Any]:
        return record.dump(context)

    def deserialize_context(self, data: dict[str, Any]) -> Context:
        return record.load(Context, data)

    def serialize_entity(self, context: Context, entity: Any) -> Any:
        return entity

    def deserialize_entity(self, context: Context, entity: Any) -> Any:
        return entity


def answer(value: Any) -> dict[str, Any]:
    return {'value': record.dump(value)}


def failure(error: errors.NovaError) -> dict[str, Any]:
    return {'error': type(error).__name__, 'text': str(error)}


def open_answer(kind: Any, plain: dict[str, Any]) -> Any:
    """The value that a call returned, or the error that it raised."""
    if 'error' in plain:
        raise _BY_NAME.get(plain['error'], errors.HostFailed)(plain['text'])
    return record.load(kind, plain['value'])
