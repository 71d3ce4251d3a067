"""Everything that steers the development chain is told in its documentation, and nothing else is."""

import re
from pathlib import Path

from chain.devnet import Change, Retracted
from chain.devnet.rpc import protocol  # noqa: F401 - it fills the table of methods
from chain.devnet.rpc.methods import METHODS

DOCS = Path(__file__).parents[3] / "docs"


def told() -> str:
    return "".join(page.read_text() for page in DOCS.glob("devnet*.md"))


def test_every_method_that_steers_the_chain_is_documented_and_no_other() -> None:
    served = {name for name in METHODS.names() if name.startswith("dev_")}
    assert set(re.findall(r"`(dev_\w+)\(", told())) == served


def test_every_choice_is_documented() -> None:
    for choice in (*Change, *Retracted):
        assert f"`{choice}`" in told()
