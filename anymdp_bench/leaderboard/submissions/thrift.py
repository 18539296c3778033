"""Structures in Thrift's compact encoding, as Parquet files hold them, read without trusting a byte.

References:
    Apache Thrift, "Thrift Compact protocol" (doc/specs/thrift-compact-protocol.md).
"""

from __future__ import annotations

from typing import Any, TypeAlias

DEEPEST = 8
MOST_BYTES_OF_INTEGER = 10
TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, STRUCT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 12

Struct: TypeAlias = dict[int, Any]
"""Values by field id: bool, int, bytes, list or another structure."""


class Malformed(ValueError):
    """The bytes are not the compact encoding of a structure."""


class Reader:
    """Reads structures from bytes; memory stays in proportion to their number.

    Args:
        data: The bytes.
        position: Where to begin.
    """

    def __init__(self, data: bytes, position: int = 0) -> None:
        """Read nothing yet."""
        self._data = data
        self.position = position

    def struct(self, depth: int = 0) -> Struct:
        """Read a structure; fields must ascend.

        Raises:
            Malformed: truncated, nested too deeply, or not in the encoding.
        """
        if depth > DEEPEST:
            raise Malformed(f"nested more than {DEEPEST} deep")
        fields: Struct = {}
        last = 0
        while header := self._byte():
            step, kind = header >> 4, header & 15
            field = last + step if step else self._signed()
            if field <= last:
                raise Malformed(f"field {field} follows field {last}")
            fields[field] = kind == TRUE if kind in (TRUE, FALSE) else self._value(kind, depth)
            last = field
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (I16, I32, I64):
            return self._signed()
        if kind == BYTE:
            return self._byte()
        if kind == DOUBLE:
            return self._take(8)
        if kind == BINARY:
            return self._take(self._unsigned())
        if kind == LIST:
            return self._list(depth)
        if kind == STRUCT:
            return self.struct(depth + 1)
        raise Malformed(f"a value of kind {kind}")

    def _list(self, depth: int) -> list[Any]:
        header = self._byte()
        kind = header & 15
        size = header >> 4 if header >> 4 < 15 else self._unsigned()
        if depth >= DEEPEST or size > len(self._data) - self.position:
            raise Malformed(f"a list of {size} values")
        if kind in (TRUE, FALSE):
            return [self._byte() == TRUE for _ in range(size)]
        return [self._value(kind, depth + 1) for _ in range(size)]

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)

    def _unsigned(self) -> int:
        value = 0
        for shift in range(0, 7 * MOST_BYTES_OF_INTEGER, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise Malformed("an integer without end")

    def _byte(self) -> int:
        return self._take(1)[0]

    def _take(self, size: int) -> bytes:
        end = self.position + size
        if end > len(self._data):
            raise Malformed(f"{end - len(self._data)} bytes are missing")
        taken = self._data[self.position : end]
        self.position = end
        return taken
