"""Every limit of what a client may send or get, of what is stored, and of the queues and batches of storage.

The edge refuses a field that is above its limit with the path of the field. The schema checks again what is
stored: texts in characters, where the edge counts bytes, which is stricter. How a server runs (its timeouts,
its polls, its calls in flight) is said beside the code that does it.
"""

IDENTIFIER_BYTES_MAX = 128  # agent, requester and client ids, request ids, names of signers
LABEL_BYTES_MAX = 256
CAPABILITIES_MAX = 64
CAPABILITY_BYTES_MAX = 256
METADATA_BYTES_MAX = 1024
ATTESTATION_BYTES_MAX = 4096
DESCRIPTION_BYTES_MAX = 10_240
TASK_TYPE_BYTES_MAX = 64
PROOF_BYTES_MAX = 4096
COMMITMENT_BYTES = 32
NONCE_BYTES = 32
QUALITY_SCORE_MAX = 100
AMOUNT_MAX = 2**128 - 1
PAYLOAD_BYTES_MAX = 4096  # canonical JSON of a raw call
LAST_ERROR_CHARS_MAX = 512  # longer ones are cut
REASON_BYTES_MAX = 512  # why a session or a handoff moved, or submission is paused
DISPUTE_REASON_BYTES_MAX = 1024
MILESTONE_DESCRIPTION_BYTES_MAX = 256
NUMBER_MAX = 2**63 - 1  # of numbers that are no amounts; a chain may report larger ones
JSON_INTEGER_MAX = 2**53  # of integers in a Struct, whose numbers are doubles
DURATION_SECONDS_MAX = 2**32 - 1
DEADLINE_SECONDS_MAX = 7_258_118_399  # 2199-12-31T23:59:59Z

PAGE_SIZE_DEFAULT = 50
PAGE_SIZE_MAX = 200
PAGE_BYTES_MAX = 2 * 1024 * 1024  # of what may be large in a page, as a message; it ends before it has more
PAGE_TOKEN_CHARS_MAX = 512  # a key is an id of at most 128 bytes, or the number of a position
MESSAGE_BYTES_PER_JSON_CHAR_MAX = 6  # a number is the worst: 11 bytes for 2 characters
MESSAGE_BYTES_BESIDE_TEXTS_MAX = 512  # of the ids, amounts, times and states of a record, as a message
BATCH_CREATE_MAX = 500
WATCHED_IDS_MAX = 100  # tasks, extrinsics or pallets that one watch names

# A status travels in HTTP/2 trailers, of which clients take 8 KiB; the path of a field within a Struct is
# made of names that the caller chose.
VIOLATIONS_MAX = 10
FIELD_PATH_CHARS_MAX = 100

COMMIT_QUEUE_ITEMS_MAX = 10_000
COMMIT_QUEUE_BYTES_MAX = 256 * 1024 * 1024
COMMIT_BATCH_ITEMS_MAX = 512
COMMIT_BATCH_BYTES_MAX = 16 * 1024 * 1024
COMMIT_RETRIES_MAX = 8
FETCH_BATCH_MAX = 512
LINGER_MAX_SECONDS = 0.015  # how long a batch waits for more callers
LINGER_IDLE_SECONDS = 0.003  # how long it waits after the last that arrived
RETRY_AFTER_SECONDS = 1.0

EVENT_PAGE_MAX = 256  # events per message of a watch
RING_EVENTS_MAX = 8192  # the newest events, which watches are served from memory
EVENT_SCAN_MAX = 20_000  # events that one read of the log looks at, wanted or not
CHAIN_SWEEP_BLOCKS_MAX = 50  # blocks whose raw data one pass of a sweep deletes
SWEEP_BATCH_MAX = 500  # rows that one pass of a sweep changes

SESSION_PAGE_SIZE_DEFAULT = 20
SESSION_PAGE_SIZE_MAX = 100
SESSION_METADATA_BYTES_MAX = 16_384  # canonical JSON
ACTIVE_TASKS_MAX = 100
COMMAND_BYTES_MAX = 4096
CONTENT_BYTES_MAX = 1024 * 1024  # of one entry of a transcript
CONTENT_INDEXED_BYTES_MAX = 256 * 1024  # what search sees of it; a tsvector cannot hold much more
PHASE_BYTES_MAX = 64
TOOL_CALLS_MAX = 64
TOOL_CALL_BYTES_MAX = 16_384  # of its arguments, as canonical JSON, and of its result
TRANSCRIPT_BATCH_MAX = 1000  # entries of one append
RESUMED_ENTRIES_DEFAULT = 20
RESUMED_BYTES_MAX = 1024 * 1024  # of each: the entries, tasks and approvals that a session is resumed with
COPY_ENTRIES_MAX = 10_000  # entries and commands that one call copies, in one transaction
COPY_BYTES_MAX = 64 * 1024 * 1024  # of these entries
SEARCH_PAGE_SIZE_DEFAULT = 20
SEARCH_PAGE_SIZE_MAX = 100
SEARCH_BYTES_MAX = 1024  # of what is searched for
SEARCH_WORDS_MAX = 32
SEARCH_MATCHES_MAX = 200  # the newest matches, which are ranked
SEARCH_SESSIONS_MAX = 100  # sessions of a role or a task that the index is asked for by name
SEARCH_CANDIDATES_MAX = 10_000  # newest entries with the words that a filter by many sessions looks at
RANKED_CHARS = 4096  # how much of a match its rank looks at
SNIPPET_CHARS = 160
COLLECT_ENTRIES_MAX = 500  # entries of deleted sessions that one pass of the sweep deletes
HANDOFF_PAGE_SIZE_DEFAULT = 20
HANDOFF_PAGE_SIZE_MAX = 50
HANDOFF_TYPE_BYTES_MAX = 64
HANDOFF_PAYLOAD_BYTES_MAX = 16_384  # canonical JSON

APPROVAL_PAGE_SIZE_MAX = 100
APPROVAL_KIND_BYTES_MAX = 64
APPROVAL_TITLE_BYTES_MAX = 256
APPROVAL_DETAILS_BYTES_MAX = 16_384  # canonical JSON
APPROVAL_NOTES_BYTES_MAX = 4096
APPROVAL_SECONDS_DEFAULT = 7 * 86_400  # how long a decision is waited for, unless the request says it
APPROVAL_SECONDS_MAX = 366 * 86_400
RESUMED_APPROVALS_MAX = 100  # pending approvals that a session is resumed with, the oldest

AUDIT_METHOD_BYTES_MAX = 256
AUDIT_TARGET_BYTES_MAX = 256  # ids of 128 bytes, and a number with its hash
AUDIT_PAGE_MAX = 500  # entries that one read of the audit log takes
AUDIT_SCAN_MAX = 10_000  # entries that a page of a list looks at, wanted or not
AUDIT_PRUNE_MAX = 1000  # entries that one pass of the sweep deletes
