"""Whose key signs: the keys of this server, by the name of the agent or requester they belong to."""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

from chain.keys import InvalidSecret, Signer, load_signer
from storage.chain.submission import Names

DEVELOPMENT_SECRET = "//Alice"  # noqa: S105 - the well-known key of every development chain
DERIVED = "default"
SIGNERS_MAX = 1000
"""How many agents and requesters may have keys of their own."""
_DEVELOPMENT_NAMES = ("Alice", "Bob", "Charlie", "Dave", "Eve", "Ferdie", "Arbiter")


class Keyring:
    """The default signer, and those of agents and requesters that have a key of their own."""

    def __init__(self, default: Signer, named: Mapping[str, Signer]) -> None:
        self._default = default
        self._named = dict(named)

    @classmethod
    def load(cls, secret: str, signers_file: Path | None = None) -> "Keyring":
        """The keyring of a default secret and of a TOML file that maps names to secrets.

        `default//path` in the file is derived from the default secret. Raises `InvalidSecret`; neither
        secrets nor the contents of the file are in its message.
        """
        named: dict[str, Signer] = {}
        for name, value in _read(signers_file).items():
            try:
                named[name] = load_signer(_derived(secret, value))
            except InvalidSecret as error:
                raise InvalidSecret(f"{signers_file}: the secret of {name!r}: {error}") from None
        return cls(load_signer(secret), named)

    @classmethod
    def development(cls) -> "Keyring":
        """The keys of the development chain: //Alice, and //Bob for the agent `did:dev:bob`, and so on."""
        named = {f"did:dev:{name.lower()}": load_signer(f"//{name}") for name in _DEVELOPMENT_NAMES}
        return cls(load_signer(DEVELOPMENT_SECRET), named)

    def signer_of(self, name: str) -> Signer:
        """The signer of an agent or requester: its own key, else the default one."""
        return self._named.get(name, self._default)

    def has(self, name: str) -> bool:
        """Whether an agent or requester has a key of its own."""
        return name in self._named

    def signers(self) -> list[Signer]:
        """One signer for each account, the default one first."""
        return list({signer.account: signer for signer in (self._default, *self._named.values())}.values())

    def names_of(self, wanted: Callable[[bytes], bool]) -> Names:
        """The names for which the `wanted` accounts sign."""
        but = wanted(self._default.account)
        listed = [name for name, signer in sorted(self._named.items()) if wanted(signer.account) != but]
        return Names(listed=tuple(listed), but=but)


def _derived(default: str, secret: str) -> str:
    """A secret of the file, or what it derives from the default one."""
    path = secret.removeprefix(DERIVED)
    return default + path if secret.startswith(DERIVED) and path.startswith("/") else secret


def _read(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        names = tomllib.loads(path.read_text())
        if len(names) > SIGNERS_MAX:
            raise InvalidSecret(f"{path}: {len(names)} names, more than {SIGNERS_MAX}")
    except OSError as error:
        raise InvalidSecret(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise InvalidSecret(f'{path}: not TOML lines of the form "name" = "secret"') from None
    for name, value in names.items():
        if not isinstance(value, str):
            raise InvalidSecret(f"{path}: the secret of {name!r} is not a string")
    return names
