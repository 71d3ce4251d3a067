"""Looking into the audit log, and meddling with it behind the server's back."""

import asyncio

from sqlalchemy import bindparam, text

from storage.audit import chain as audit_chain
from storage.audit import lists as audit_lists
from storage.audit.chain import Anchor, FaultKind, Walk
from storage.audit.deeds import Deed, SystemMethod, system_deed
from storage.audit.lists import AuditFilter, StoredEntry
from storage.market import agents
from storage.store import Storage
from tests.storage.items import an_agent

ADA = Deed(actor="ada", method="Service/Method", trace_id="ab" * 16)
PRUNING = system_deed(SystemMethod.PRUNE_AUDIT)


async def some_entries(storage: Storage, count: int, *, first: int = 0) -> None:
    """Make so many entries, each of an agent that registers."""
    names = (f"agent-{number:03}" for number in range(first, first + count))
    await asyncio.gather(*(storage.commit(agents.register, an_agent(name), deed=ADA) for name in names))


async def walked(storage: Storage, anchor: Anchor | None = None) -> Walk:
    """Walk the chain to its end, or to its first fault."""
    walk = Walk(anchor=anchor)
    while not walk.over:
        walk = await storage.read(audit_chain.go_on, walk)
    return walk


async def fault_of(storage: Storage, anchor: Anchor | None = None) -> tuple[int, FaultKind] | None:
    """Number and kind of the first broken link."""
    fault = (await walked(storage, anchor)).fault
    return (fault.number, fault.kind) if fault else None


async def audited(storage: Storage, **wanted: object) -> list[StoredEntry]:
    """The entries that are wanted, the oldest first."""
    everything = AuditFilter(**{"size": 10_000, "newest_first": False} | wanted)  # type: ignore[arg-type]
    page = await storage.read(audit_lists.page, everything)
    assert page.next_after is None
    return page.entries


async def meddle(storage: Storage, statement: str, **parameters: object) -> None:
    """Change the database behind the server's back."""
    words = text(statement).bindparams(*(bindparam(name, value) for name, value in parameters.items()))
    await storage._engine.write(lambda connection: connection.execute(words))
