"""Everything that can go wrong in the codec.

ScaleError
├── DecodeError              bytes that are not what their type says
├── EncodeError              a value that does not fit its type
└── MetadataError            metadata that cannot be read, or does not have what was asked for
    └── UnsupportedExtension a signed extension whose data we do not know
"""


class ScaleError(ValueError):
    """Base of all errors of the codec."""


class DecodeError(ScaleError):
    """Malformed, missing or left-over bytes. `offset` is where in the input reading stopped."""

    def __init__(self, problem: str, offset: int) -> None:
        super().__init__(f"{problem} at byte {offset}")
        self.problem = problem
        self.offset = offset


class EncodeError(ScaleError):
    """A value does not fit its type.

    `path` leads to the value inside the one that was given (`capabilities[2].name`), and grows from the
    inside out while the error travels up; `expected` says what would have fitted.
    """

    def __init__(self, expected: str, path: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.path = path

    def inside(self, step: str) -> "EncodeError":
        """Prepends one step, a field's name or `[index]`, to the path."""
        separator = "." if self.path and not self.path.startswith("[") else ""
        self.path = f"{step}{separator}{self.path}"
        return self

    def __str__(self) -> str:
        return f"{self.path}: expected {self.expected}" if self.path else f"expected {self.expected}"


class MetadataError(ScaleError):
    """Metadata that cannot be read, or a pallet, call, event, constant, item or type it does not have."""


class UnsupportedExtension(MetadataError):
    """A signed extension needs data that we do not know how to give."""

    def __init__(self, identifier: str) -> None:
        super().__init__(f"signed extension {identifier!r} is not supported")
        self.identifier = identifier
