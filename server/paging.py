"""Pages of lists: their size, and the opaque token that leads to the next one.

A token is the key of the last row and a seal, a keyed BLAKE2b over it. The key of the seal is made of the
database, the list and its filters, so a token of another list, of other filters or of another database is
refused, and so is a damaged one. The seal detects mistakes, not intent: the id of the database is in every
cursor, so a client can seal a key of its own. Therefore a key is checked like any other input, and a token is
not secret, grants no rights and leads to no row that the list without it would not return.
"""

import base64
import binascii
import hashlib
import hmac
from typing import Protocol

from google.protobuf.message import Message

from server.errors import InvalidPageToken
from server.validation import Fields
from storage import events, limits
from storage.pages import PageRequest
from storage.store import Storage

SEAL_BYTES = 12
_NUMBER_DIGITS_MAX = len(str(limits.NUMBER_MAX))
# What a page is asked for with, beside the filters.
_NOT_FILTERS = ("page_size", "page_token", "include_total_size")


class ListRequest(Protocol):
    """The fields that the requests of all lists have."""

    page_size: int
    page_token: str
    include_total_size: bool


class Tokens:
    """The tokens of one list with its filters on one database, named by the id of its log."""

    def __init__(self, request: Message, log_id: str) -> None:
        filters = type(request)()
        filters.CopyFrom(request)
        for field in _NOT_FILTERS:
            if field in request.DESCRIPTOR.fields_by_name:
                filters.ClearField(field)
        listed = request.DESCRIPTOR.full_name.encode() + b"\0"
        self._key = hashlib.blake2b(
            listed + filters.SerializeToString(deterministic=True), key=log_id.encode(), digest_size=32
        ).digest()

    def token(self, next_key: str) -> str:
        """The token of the page after the row with this key; empty, as the key is, on the last page."""
        if not next_key:
            return ""
        key = next_key.encode()
        return base64.urlsafe_b64encode(self._seal(key) + key).decode().rstrip("=")

    def number(self, token: str) -> int | None:
        """The key in a token of a list whose keys are numbers; None in none.

        Raises `InvalidPageToken` unless it is one from 0 to NUMBER_MAX.
        """
        key = self.key(token)
        if not key:
            return None
        if not (key.isascii() and key.isdigit() and len(key) <= _NUMBER_DIGITS_MAX):
            raise InvalidPageToken
        number = int(key)
        if number > limits.NUMBER_MAX:
            raise InvalidPageToken
        return number

    def key(self, token: str) -> str:
        """The key in a token; raises `InvalidPageToken` unless it has the seal of the list and is a text."""
        if not token:
            return ""
        if len(token) > limits.PAGE_TOKEN_CHARS_MAX or not token.isascii():
            raise InvalidPageToken
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except binascii.Error as error:
            raise InvalidPageToken from error
        seal, key = sealed[:SEAL_BYTES], sealed[SEAL_BYTES:]
        if not hmac.compare_digest(seal, self._seal(key)) or b"\0" in key:
            raise InvalidPageToken
        try:
            return key.decode()
        except UnicodeDecodeError as error:
            raise InvalidPageToken from error

    def _seal(self, key: bytes) -> bytes:
        return hashlib.blake2b(key, key=self._key, digest_size=SEAL_BYTES).digest()


class Pages:
    """Opens the pages that list requests ask for."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._log_id = ""

    async def tokens(self, request: Message) -> Tokens:
        """The tokens of a list request."""
        if not self._log_id:
            self._log_id = (await self._storage.read(events.state)).log_id
        return Tokens(request, self._log_id)


def rows(fields: Fields, field: str, wanted: int, *, default: int, at_most: int) -> int:
    """How many rows are asked for: `default` if 0; more than `at_most` is clamped."""
    if wanted < 0:
        fields.refuse(field, "must not be negative")
    return min(wanted or default, at_most)


def page_request(
    fields: Fields,
    request: ListRequest,
    tokens: Tokens,
    *,
    default: int = limits.PAGE_SIZE_DEFAULT,
    at_most: int = limits.PAGE_SIZE_MAX,
    numbered: bool = False,
) -> PageRequest:
    """The page that is asked for: `default` rows unless it says otherwise, at most `at_most`.

    Keys are texts, unless they are `numbered`. Raises `InvalidPageToken`.
    """
    if numbered:
        tokens.number(request.page_token)
    return PageRequest(
        size=rows(fields, "page_size", request.page_size, default=default, at_most=at_most),
        after=tokens.key(request.page_token),
        count=request.include_total_size,
    )
