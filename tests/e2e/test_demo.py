"""`chamberlain demo`, as a new user runs it."""

import asyncio

from tests.support.processes import COMMAND


async def test_the_demo_shows_every_step_agrees_with_the_chain_and_says_how_to_go_on() -> None:
    process = await asyncio.create_subprocess_exec(
        COMMAND, "demo", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    shown = output.decode()
    assert process.returncode == 0, shown + errors.decode()
    steps = [line for line in shown.splitlines() if "finalized in block" in line]
    assert len(steps) == 11
    assert "differs" not in shown
    assert "Approved by grace." in shown
    assert "every link of the chain is intact" in shown
    assert "make serve" in shown
    assert "grpcurl" in shown
