"""Structured logs on standard error: text for people, a JSON object per line for machines.

What runs within a call is logged with its method, the `x-request-id` of its client, and the correlation id
of what it asked the chain for. Tracebacks are plain: they never show the values of variables.
"""

import contextlib
import logging
import sys
from collections.abc import Iterator
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

from server.interceptor import current_call

REQUEST_ID_METADATA_KEY = "x-request-id"
REQUEST_ID_CHARS_MAX = 128
OUR_LOGGERS = ("server", "storage", "chain")


def configure(log_format: str | None, level: str) -> None:
    """Send the logs of this process to standard error: ours from `level` on, warnings of libraries."""
    as_text = log_format == "text" or (log_format is None and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_call,
    ]
    render: list[Processor] = (
        [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
        if as_text
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    logging.root.handlers = [handler]
    for name in OUR_LOGGERS:
        logging.getLogger(name).setLevel(level.upper())


@contextlib.contextmanager
def redirected() -> Iterator[None]:
    """Meanwhile logs go to what standard error is now: a progress bar puts itself in between."""
    handlers = [each for each in logging.root.handlers if isinstance(each, logging.StreamHandler)]
    streams = [each.stream for each in handlers]
    for handler in handlers:
        handler.setStream(sys.stderr)
    try:
        yield
    finally:
        for handler, stream in zip(handlers, streams, strict=True):
            handler.setStream(stream)


def _add_call(logger: Any, name: str, event: EventDict) -> EventDict:
    try:
        call = current_call()
    except LookupError:
        return event  # nobody's call
    event["method"] = call.method
    if call.correlation_id:
        event["correlation_id"] = call.correlation_id
    for key, value in call.context.invocation_metadata() or ():
        if key == REQUEST_ID_METADATA_KEY:
            event["request_id"] = str(value)[:REQUEST_ID_CHARS_MAX]
    return event
