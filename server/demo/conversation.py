"""The session of the demo's client, the approval it requests before it pays, and the audit log at the end."""

import asyncio
import uuid

import grpc
from chamberlain.v1 import approval_pb2, transcript_pb2
from chamberlain.v1 import approval_service_pb2 as approval_api
from chamberlain.v1 import audit_service_pb2 as audit_api
from chamberlain.v1 import session_service_pb2 as session_api
from chamberlain.v1 import transcript_service_pb2 as transcript_api
from chamberlain.v1.approval_service_pb2_grpc import ApprovalServiceStub
from chamberlain.v1.audit_service_pb2_grpc import AuditServiceStub
from chamberlain.v1.session_service_pb2_grpc import SessionServiceStub
from chamberlain.v1.transcript_service_pb2_grpc import TranscriptServiceStub

PERSON = "grace"


class Conversation:
    """A session that waits for a person's decision. Call `begin` first."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._sessions = SessionServiceStub(channel)
        self._transcripts = TranscriptServiceStub(channel)
        self._approvals = ApprovalServiceStub(channel)
        self._audit = AuditServiceStub(channel)
        self._session_id = ""

    async def begin(self, role: str, task_id: str) -> None:
        request = session_api.CreateSessionRequest(
            role=role, task_id=task_id, active_task_ids=[task_id], request_id=str(uuid.uuid4())
        )
        self._session_id = (await self._sessions.CreateSession(request)).session.session_id

    async def ask(self, title: str, task_id: str) -> approval_pb2.Approval:
        """Ask for approval, and wait until the person has decided."""
        said = transcript_pb2.TranscriptEntry(role=transcript_pb2.ENTRY_ROLE_AGENT, content=title)
        await self._transcripts.AppendTranscript(
            transcript_api.AppendTranscriptRequest(
                session_id=self._session_id, entries=[said], request_id=str(uuid.uuid4())
            )
        )
        request = approval_api.RequestApprovalRequest(
            session_id=self._session_id,
            task_id=task_id,
            kind="payment",
            title=title,
            requested_by="demo",
            request_id=str(uuid.uuid4()),
        )
        approval = (await self._approvals.RequestApproval(request)).approval
        decided, _ = await asyncio.gather(self._decision(approval.approval_id), self._decide())
        return decided

    async def _decision(self, approval_id: str) -> approval_pb2.Approval:
        """The agent's part: wait."""
        approval = approval_pb2.Approval()
        wait = approval_api.WaitForApprovalRequest(approval_id=approval_id)
        async for message in self._approvals.WaitForApproval(wait):
            if message.HasField("approval"):
                approval = message.approval
        return approval

    async def _decide(self) -> None:
        """The person's part: look at the pending approvals of the session, and approve them."""
        resume = session_api.ResumeSessionRequest(session_id=self._session_id)
        for pending in (await self._sessions.ResumeSession(resume)).pending_approvals:
            await self._approvals.DecideApproval(
                approval_api.DecideApprovalRequest(
                    approval_id=pending.approval_id,
                    decision=approval_api.APPROVAL_DECISION_APPROVED,
                    decided_by=PERSON,
                    notes="the work is done",
                    request_id=str(uuid.uuid4()),
                )
            )

    async def record(self) -> audit_api.VerifyAuditResponse:
        """Walk the audit log to its end."""
        last = audit_api.VerifyAuditResponse()
        async for last in self._audit.VerifyAudit(audit_api.VerifyAuditRequest()):  # noqa: B007
            pass
        return last
