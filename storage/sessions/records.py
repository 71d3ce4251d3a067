"""Sessions, their transcripts and handoffs as typed immutable records, in the words of `storage.records`."""

from storage.lifecycle import HandoffStatus, SessionStatus
from storage.records import EntryRole, HeadState, Record


class Session(Record, frozen=True, kw_only=True):
    """The state that an agent, a voice client or a workflow keeps between its runs."""

    session_id: str
    role: str  # of the agent that the session is for
    task_id: str = ""
    status: SessionStatus = SessionStatus.PENDING
    status_reason: str = ""  # why it moved to this status
    metadata: str = "{}"  # canonical JSON of an object
    active_task_ids: tuple[str, ...] = ()
    source_session_id: str = ""  # of a branch or a copy
    source_position: int = 0  # the last entry that was taken over
    revision: int = 1
    create_time_us: int = 0
    update_time_us: int = 0
    transition_time_us: int = 0  # of the last move
    start_time_us: int | None = None  # first active
    pause_time_us: int | None = None  # last paused
    end_time_us: int | None = None  # completed, failed or expired


class SessionHead(Record, frozen=True, kw_only=True):
    """The fields that appends change, so that these neither rewrite the session nor change its revision."""

    session_id: str
    entry_count: int = 0  # and the position of the last entry
    command_count: int = 0
    last_activity_us: int  # of the last change or append, by the database's clock
    state: HeadState = HeadState.OPEN


class SessionDetail(Record, frozen=True, kw_only=True):
    session: Session
    head: SessionHead


class Command(Record, frozen=True, kw_only=True):
    """An entry of the command history. Numbers are dense per session, from 1."""

    session_id: str
    number: int
    command: str
    create_time_us: int


class ToolCall(Record, frozen=True, kw_only=True):
    call_id: str = ""
    name: str
    arguments: str = "{}"  # canonical JSON of an object
    result: str = ""


class NewEntry(Record, frozen=True, kw_only=True):
    """An entry of a transcript that has no position yet."""

    role: EntryRole
    content: str = ""
    phase: str = ""
    iteration: int = 0
    model: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_tokens: int = 0
    cache_read_tokens: int = 0
    tool_calls: tuple[ToolCall, ...] = ()
    parent_position: int = 0  # 0 for none
    size_bytes: int = 0  # as a message; stored is at least the size of content and tool calls


class Entry(NewEntry, frozen=True, kw_only=True):
    """An entry of a transcript. Positions are dense per session, from 1, in the order of commits."""

    entry_number: int  # its key, and its place among the entries of all sessions
    session_id: str
    position: int
    indexed_chars: int  # how much of the content search sees
    create_time_us: int


class Handoff(Record, frozen=True, kw_only=True):
    """Work that one role hands to another."""

    handoff_id: str
    from_role: str
    to_role: str
    handoff_type: str
    description: str = ""
    payload: str = "{}"  # canonical JSON of an object
    trace_id: str = ""
    session_id: str = ""
    status: HandoffStatus = HandoffStatus.PENDING
    status_reason: str = ""
    result: str = ""  # canonical JSON of an object, or empty
    revision: int = 1
    create_time_us: int = 0
    update_time_us: int = 0
    start_time_us: int | None = None
    end_time_us: int | None = None
