"""Speed of sequence mixers: ``pytest tests/bench/bench_mixers.py``, on an idle machine.

CPU time of one thread for a segment of 512 positions, forward and backward, best of several, both sides of a
ratio in one process.
"""

import time
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from omnirl_reference.model.mixers import MIXERS, gated_delta, gated_slot, linear, make_mixer, mamba2, s5  # noqa: E402
from tests.support.ratios import cpu_seconds, report  # noqa: E402

pytestmark = pytest.mark.benchmark(timer=time.process_time, warmup=False)

BATCH, LENGTH, HEADS, HEAD = 4, 512, 4, 32
FORMS: dict[str, tuple[Any, Any]] = {
    "gated-delta": (gated_delta.delta_recurrence, gated_delta.delta_chunks),
    "rwkv7": (linear.linear_recurrence, linear.linear_chunks),
    "gated-slot": (gated_slot.slot_recurrence, gated_slot.slot_chunks),
    "mamba2": (mamba2.ssd_recurrence, mamba2.ssd_chunks),
    "s5": (s5.diagonal_recurrence, s5.diagonal_chunks),
}


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


def inputs_of(name: str) -> list[Tensor]:
    """Random inputs of a mixer's recurrence."""
    torch.manual_seed(0)
    late, early = (BATCH, HEADS, LENGTH, HEAD), (BATCH, LENGTH, HEADS, HEAD)
    state = torch.zeros(BATCH, HEADS, HEAD, HEAD)
    if name == "gated-delta":
        q, k, v = (nn.functional.normalize(torch.randn(early), dim=-1) for _ in range(3))
        return [q, k, v, -torch.rand(early[:3]), torch.rand(early[:3]), state]
    if name == "mamba2":
        wide = 2 * HEADS
        x, (b, c) = torch.randn(BATCH, LENGTH, wide, HEAD), torch.randn(2, BATCH, LENGTH, 2 * HEAD)
        return [x, b, c, -torch.rand(BATCH, LENGTH, wide), torch.zeros(BATCH, wide, 2 * HEAD, HEAD)]
    if name == "s5":
        n = HEADS * HEAD // 2
        u = torch.randn(BATCH, LENGTH, n, dtype=torch.complex64)
        decay = torch.polar(torch.rand(n), torch.randn(n))
        return [u, decay, torch.ones(BATCH, LENGTH), torch.zeros(BATCH, n, dtype=torch.complex64)]
    q, k, v, a = (nn.functional.normalize(torch.randn(late), dim=-1) for _ in range(4))
    if name == "gated-slot":
        return [q, k, v, -torch.rand(late), state, state.clone()]
    return [q, k, v, -torch.rand(late), -a, 0.5 * a, state]


def there_and_back(run: Callable[..., Any], inputs: list[Tensor]) -> Callable[[], None]:
    """One pass forward and one backward."""
    given = [x.requires_grad_() for x in inputs]

    def work() -> None:
        torch.autograd.grad(run(*given)[0].abs().sum(), given[:1])

    return work


@pytest.mark.parametrize("name", FORMS)
def test_chunks_against_the_recurrence(benchmark: Any, name: str) -> None:
    recurrence, chunks = FORMS[name]
    inputs = inputs_of(name)
    fast = there_and_back(chunks, inputs)
    benchmark.pedantic(fast, rounds=5)
    ratio = cpu_seconds(there_and_back(recurrence, inputs)) / cpu_seconds(fast)
    report(benchmark, f"{name}, 512 positions, recurrence / chunks", ratio, 3)


@pytest.mark.parametrize("name", MIXERS)
def test_training_cost(benchmark: Any, name: str) -> None:
    """All mixers at one width, against gated linear attention."""
    torch.manual_seed(0)
    x = torch.randn(BATCH, LENGTH, HEADS * HEAD)

    def work(kind: str) -> Callable[[], None]:
        mixer = make_mixer(kind, HEADS * HEAD, HEAD)
        state = mixer.initial_state(BATCH, x.device)  # type: ignore[operator]
        return there_and_back(lambda y: mixer(y, state), [x.clone()])

    own = work(name)
    benchmark.pedantic(own, rounds=3)
    ratio = cpu_seconds(work("gated-linear")) / cpu_seconds(own)
    report(benchmark, f"{name}, a segment of 512, gated-linear / this", ratio, 0.1)
