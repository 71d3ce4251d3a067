"""How SCALE values look in Python.

| SCALE                          | decoded                         | also encodes                           |
|--------------------------------|---------------------------------|----------------------------------------|
| integers, `Compact<T>`         | `int`                           | decimal text                           |
| `bool`, `str`, `char`          | `bool`, `str`                   |                                        |
| `Vec<u8>`                      | `bytes`                         | text: `0x` hex, any other is its UTF-8 |
| `[u8; N]`                      | `bytes`                         | `0x` hex                               |
| `AccountId32`                  | `bytes`                         | `0x` hex, SS58                         |
| `MultiAddress`                 | an enum                         | an account, as above                   |
| `Vec<T>`, `[T; N]`             | `list`                          | `tuple`                                |
| tuple, composite without names | `tuple`; of one item, that item | `list`                                 |
| composite with names           | `dict`                          |                                        |
| unit, composite without fields | `()`                            | `None`                                 |
| enum variant without fields    | its name                        | another case, snake_case               |
| enum variant with fields       | `{name: its fields}`            | likewise                               |
| `Option<T>`                    | `None` or the value             |                                        |
| `Option<Option<T>>`            | `None` or `{"Some": the value}` |                                        |
| `BitVec`                       | text of `0` and `1`             |                                        |

Maps and sets are what the metadata says they are: sequences of pairs and of items.
"""

from typing import Any, TypeAlias

# What a value is, the metadata says at run time; a union of all possibilities would only make every
# reader of a field cast it.
Value: TypeAlias = Any
