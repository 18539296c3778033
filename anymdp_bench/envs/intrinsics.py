"""Two processor instructions that the batched step needs and that numba does not offer."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from anymdp_bench.foundation.compiling import python_twin

BYTE, I16, I32 = ir.IntType(8), ir.IntType(16), ir.IntType(32)
READ, SECOND_LEVEL, DATA = I32(0), I32(2), I32(1)
"""Arguments of llvm.prefetch. The second-level cache: asking for the first one was a quarter slower at
16,384 environments on Zen 4, whose first level can wait for few lines at a time."""
LINE_WORDS = 16
SLOT_LANES = I16(0b0001_1111_1111_1110)
"""Words 1 to 12 of a line are its slots."""


def _address(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    """Byte address of an element of a contiguous array."""
    data = context.make_array(array_type)(context, builder, array).data
    size = context.get_abi_sizeof(context.get_data_type(array_type.dtype))
    offset = builder.mul(index, ir.Constant(index.type, size))
    return builder.gep(builder.bitcast(data, BYTE.as_pointer()), [offset])


def _prefetch(typing_context: Any, array: Any, index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        address = _address(context, builder, signature.args[0], *args)
        kind = ir.FunctionType(ir.VoidType(), [BYTE.as_pointer(), I32, I32, I32])
        function = builder.module.declare_intrinsic("llvm.prefetch", [BYTE.as_pointer()], kind)
        builder.call(function, [address, READ, SECOND_LEVEL, DATA])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate


def _count_slots(typing_context: Any, lines: Any, index: Any, bound: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        array, row, limit = args
        words = ir.VectorType(I32, LINE_WORDS)
        address = _address(context, builder, signature.args[0], array, row)
        line = builder.load(builder.bitcast(address, words.as_pointer()), align=16)
        single = builder.insert_element(ir.Constant(words, ir.Undefined), limit, I32(0))
        spread = builder.shuffle_vector(
            single, ir.Constant(words, ir.Undefined), ir.Constant(words, [I32(0)] * LINE_WORDS)
        )
        at_most = builder.bitcast(builder.icmp_unsigned("<=", line, spread), I16)
        count = builder.ctpop(builder.and_(at_most, SLOT_LANES))
        return builder.zext(count, ir.IntType(64))

    return types.int64(lines, types.int64, types.uint32), generate


prefetch: Any = intrinsic(_prefetch)
"""``prefetch(array, index)``: ask for the cache line in which an element of a contiguous array begins.

The index is not checked: a prefetch of any address is harmless.
"""
count_slots: Any = intrinsic(_count_slots)
"""``count_slots(lines, index, bound)``: how many slots of a line (see `tables`) are at most a uint32."""


@python_twin(prefetch)
def _ask_for_nothing(array: Any, index: int) -> None:
    """Nothing can be asked of the cache."""


@python_twin(count_slots)
def _count_slots_one_by_one(lines: Any, index: int, bound: int) -> int:
    """Compare the slots of one line."""
    return int((lines[index].slots <= bound).sum())
