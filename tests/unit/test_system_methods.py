"""The names by which the audit log tells what the server does by itself: people filter by them."""

import re
from pathlib import Path

from storage.audit.deeds import SystemMethod

CONTRACT = Path(__file__).parents[2] / "proto/chamberlain/v1/audit_service.proto"
NAMES = {
    "System/ExpireApprovals",
    "System/PruneAudit",
    "System/PruneBlocks",
    "System/PruneEvents",
    "System/PruneRequests",
    "System/PruneSignatures",
    "System/PurgeApprovals",
    "System/PurgeHandoffs",
    "System/PurgeTranscripts",
    "System/SweepDeadlines",
    "System/SweepSessions",
}


def test_names_are_added_and_never_changed() -> None:
    assert {method.value for method in SystemMethod} == NAMES


def test_the_contract_lists_them_all() -> None:
    assert set(re.findall(r"`(System/\w+)`", CONTRACT.read_text())) == NAMES
