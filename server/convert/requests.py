"""What requests of several kinds have: an id, a request id, a cursor."""

from google.protobuf.message import Message

from server.validation import Checked
from storage.feed import Cursor


def key(request: Message, field: str) -> str:
    """The id in `field`, of a request that says nothing else but its request id."""
    with Checked(request) as fields:
        return fields.identifier(field, getattr(request, field))


def check_request_id(request: Message) -> None:
    """Check a request that says nothing else but its request id."""
    with Checked(request):
        pass


def cursor(text: str) -> Cursor | None:
    """The cursor to begin after; None, which means now, if it is empty. Raises `InvalidCursor`."""
    return Cursor.parse(text) if text else None
