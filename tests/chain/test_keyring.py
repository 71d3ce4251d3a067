"""Whose key signs for whom."""

from pathlib import Path

import pytest

from chain import keyring
from chain.keyring import Keyring
from chain.keys import InvalidSecret, load_signer
from storage.chain.submission import Names

PHRASE = "bottom drive obey lake curtain smoke basket hold race lonely fit walk"
SEED = "0x" + "7" * 64


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "signers.toml"


def address(secret: str) -> str:
    return load_signer(secret).address()


def test_names_of_the_file_have_keys_of_their_own_and_all_others_the_default_one(file: Path) -> None:
    file.write_text(f'ada = "//Bob"\nbob = "ed25519:{SEED}"\n"did:ex:c" = "default//c/soft"\n')
    keys = Keyring.load(PHRASE, file)
    assert keys.signer_of("ada").address() == address("//Bob")
    assert keys.signer_of("bob").kind == "ed25519"
    assert keys.signer_of("did:ex:c").address() == address(f"{PHRASE}//c/soft")
    assert keys.signer_of("anybody").address() == keys.signer_of("").address() == address(PHRASE)
    assert [signer.address() for signer in keys.signers()] == [
        address(secret) for secret in (PHRASE, "//Bob", f"ed25519:{SEED}", f"{PHRASE}//c/soft")
    ]


def test_names_are_found_by_the_accounts_that_sign_for_them(file: Path) -> None:
    file.write_text('ada = "//Bob"\nbob = "//Bob"\nc = "//Alice"\nd = "//Dave"\n')
    keys = Keyring.load("//Alice", file)
    alice, bob = load_signer("//Alice").account, load_signer("//Bob").account
    of_bob = keys.names_of(lambda account: account == bob)
    assert (of_bob.but, of_bob.listed) == (False, ("ada", "bob"))
    of_alice = keys.names_of(lambda account: account == alice)
    assert (of_alice.but, of_alice.listed) == (True, ("ada", "bob", "d"))
    assert keys.names_of(lambda account: True) == Names()
    assert not keys.names_of(lambda account: False)


@pytest.mark.parametrize(
    "line", ['ada = "hunter2"', 'ada = "default///hunter2"', 'ada = "defaulthunter2"', "ada = 7", "hunter2"]
)
def test_a_file_that_cannot_be_used_is_refused_without_being_shown(file: Path, line: str) -> None:
    file.write_text(line)
    with pytest.raises(InvalidSecret) as refused:
        Keyring.load(PHRASE, file)
    assert "hunter2" not in f"{refused.value} {refused.value!r} {refused.value.__cause__}"
    assert "bottom" not in str(refused.value)


def test_a_file_has_a_limit(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "SIGNERS_MAX", 1)
    file.write_text('ada = "//Bob"\nbob = "//Bob"\n')
    with pytest.raises(InvalidSecret, match="2 names, more than 1"):
        Keyring.load(PHRASE, file)
