import itertools
from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402

from anymdp_bench import InvalidConfig  # noqa: E402
from omnirl_reference.model.mixers import MIXERS, make_mixer  # noqa: E402
from omnirl_reference.model.mixers.gated_delta import Recurrence, delta_chunks, delta_recurrence  # noqa: E402
from omnirl_reference.model.mixers.gated_delta_cpu import delta_compiled  # noqa: E402
from omnirl_reference.model.mixers.gated_slot import slot_chunks, slot_recurrence  # noqa: E402
from omnirl_reference.model.mixers.linear import linear_chunks, linear_recurrence  # noqa: E402
from omnirl_reference.model.mixers.mamba2 import ssd_chunks, ssd_recurrence  # noqa: E402
from omnirl_reference.model.mixers.s5 import S5, diagonal_chunks, diagonal_recurrence  # noqa: E402

LENGTHS = [1, 2, 15, 64, 65, 100, 193]


def gradients(output: tuple[Tensor, ...], inputs: list[Tensor]) -> list[Tensor]:
    weights = [torch.linspace(-1, 1, x.numel()).reshape(x.shape) for x in output]
    loss = sum((x * w).sum() for x, w in zip(output, weights, strict=True))
    return list(torch.autograd.grad(loss, inputs))


def compare(slow: object, fast: object, inputs: list[Tensor]) -> None:
    given = [x.clone().requires_grad_() for x in inputs]
    a, b = slow(*given), fast(*given)  # type: ignore[operator]
    for x, y in zip(a, b, strict=True):
        torch.testing.assert_close(x, y, rtol=2e-4, atol=2e-5)
    for x, y in zip(gradients(a, given), gradients(b, given), strict=True):
        torch.testing.assert_close(x, y, rtol=2e-3, atol=2e-4)


def unit(x: Tensor) -> Tensor:
    return nn.functional.normalize(x, dim=-1)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("fast", [delta_chunks, delta_compiled])
def test_fast_delta_rules_equal_their_definition(length: int, fast: Recurrence) -> None:
    torch.manual_seed(length)
    q, k, v = (torch.randn(2, length, 3, 8) for _ in range(3))
    decay, write = -torch.rand(2, length, 3), torch.rand(2, length, 3)
    state = torch.randn(2, 3, 8, 8)
    compare(delta_recurrence, fast, [unit(q), unit(k), v, decay, write, state])


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("low_rank", [False, True])
def test_linear_recurrence_in_chunks_equals_its_definition(length: int, low_rank: bool) -> None:
    torch.manual_seed(length)
    q, k, v = (torch.randn(2, 3, length, 8) for _ in range(3))
    decay, state = -2 * torch.rand(2, 3, length, 8), torch.randn(2, 3, 8, 8)
    key = unit(torch.randn(2, 3, length, 8))
    if low_rank:
        inputs = [q, k, v, decay, -key, key * torch.rand(2, 3, length, 8), state]
        compare(linear_recurrence, linear_chunks, inputs)
    else:
        compare(
            lambda q, k, v, w, s: linear_recurrence(q, k, v, w, None, None, s),
            lambda q, k, v, w, s: linear_chunks(q, k, v, w, None, None, s),
            [q, k, v, decay, state],
        )


@pytest.mark.parametrize("length", LENGTHS)
def test_slots_in_chunks_equal_their_definition(length: int) -> None:
    torch.manual_seed(length)
    q, k, v = (torch.randn(2, 3, length, 8) for _ in range(3))
    keys, values = torch.randn(2, 2, 3, 5, 8)
    compare(slot_recurrence, slot_chunks, [q, k, v, -2 * torch.rand(2, 3, length, 5), keys, values])


@pytest.mark.parametrize("length", LENGTHS)
def test_state_space_duality_in_chunks_equals_its_definition(length: int) -> None:
    torch.manual_seed(length)
    x, (b, c) = torch.randn(2, length, 3, 8), torch.randn(2, 2, length, 6)
    inputs = [x, b, c, -4 * torch.rand(2, length, 3), torch.randn(2, 3, 6, 8)]
    compare(ssd_recurrence, ssd_chunks, inputs)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("resets", [0.0, 0.1])
def test_diagonal_scan_equals_its_definition(length: int, resets: float) -> None:
    torch.manual_seed(length)
    keep = (torch.rand(2, length) >= resets).float()
    angle = 3 * torch.randn(6)
    decay = torch.stack([angle.cos(), angle.sin()], dim=-1) * torch.rand(6, 1).sqrt()

    def in_parts(scan: Callable[..., tuple[Tensor, Tensor]]) -> object:
        def run(*parts: Tensor) -> tuple[Tensor, ...]:
            u, factor, state = map(torch.view_as_complex, parts)
            return tuple(map(torch.view_as_real, scan(u, factor, keep, state)))

        return run

    inputs = [torch.randn(2, length, 6, 2), decay, torch.randn(2, 6, 2)]
    compare(in_parts(diagonal_recurrence), in_parts(diagonal_chunks), inputs)


def test_slots_that_keep_everything_never_change() -> None:
    torch.manual_seed(0)
    q, k, v = (torch.randn(1, 2, 40, 4) for _ in range(3))
    keys, values = torch.randn(2, 1, 2, 3, 4)
    outputs, *after = slot_chunks(q, k, v, torch.zeros(1, 2, 40, 3), keys, values)
    read = (q @ keys.transpose(-1, -2)).softmax(-1) @ values
    for found, expected in zip([outputs, *after], [read, keys, values], strict=True):
        torch.testing.assert_close(found, expected)


def test_a_decay_of_one_makes_state_spaces_linear_attention() -> None:
    torch.manual_seed(0)
    x, (b, c) = torch.randn(1, 70, 2, 4), torch.randn(2, 1, 70, 3)
    outputs, after = ssd_chunks(x, b, c, torch.zeros(1, 70, 2), torch.zeros(1, 2, 3, 4))
    whole = torch.einsum("bsn,bshp->bhnp", b, x)
    causal = torch.einsum("bts,bshp->bthp", (c @ b.transpose(1, 2)).tril(), x)
    torch.testing.assert_close(outputs, causal, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(after, whole, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("places", [[0], [20], [5, 6, 50]])
def test_a_reset_forgets_what_came_before(places: list[int]) -> None:
    torch.manual_seed(0)
    mixer = S5(16, 8)
    x, start = torch.randn(1, 75, 16), (torch.randn(1, 8, 2),)
    reset = torch.zeros(1, 75, dtype=torch.bool)
    reset[:, places] = True
    whole, end = mixer(x, start, reset)
    edges, state, outputs = [0, *places, 75], start, []
    for first, last in itertools.pairwise(edges):
        if first < last:
            y, state = mixer(x[:, first:last], state)
            outputs.append(y)
        state = state if last == 75 else mixer.initial_state(1, x.device)
    torch.testing.assert_close(torch.cat(outputs, dim=1), whole, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(state[0], end[0], rtol=1e-4, atol=1e-5)


def test_hippo_frequencies_solve_the_characteristic_equation() -> None:
    """Of [[-1/2, -r], [r, -1/2]] with r = sqrt(3) / 2 they are +-r."""
    frequency = S5(2, 2).frequency
    torch.testing.assert_close(frequency, torch.tensor([3**0.5 / 2]))


@pytest.mark.parametrize("name", MIXERS)
def test_segments_and_single_steps_equal_one_pass(name: str) -> None:
    torch.manual_seed(0)
    mixer = make_mixer(name, 32, 8)
    x = torch.randn(2, 75, 32)
    state = mixer.initial_state(2, x.device)
    whole, end = mixer(x, state)
    for cuts in ([40, 35], [1] * 75):
        outputs, carried = [], state
        for piece in x.split(cuts, dim=1):
            y, carried = mixer(piece, carried)
            outputs.append(y)
        torch.testing.assert_close(torch.cat(outputs, dim=1), whole, rtol=1e-3, atol=1e-5)
        for a, b in zip(carried, end, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", MIXERS)
def test_the_future_is_not_seen(name: str) -> None:
    torch.manual_seed(0)
    mixer = make_mixer(name, 32, 8)
    x = torch.randn(1, 40, 32)
    changed = x.clone()
    changed[:, 25:] += 1.0
    state = mixer.initial_state(1, x.device)
    first, second = mixer(x, state)[0], mixer(changed, state)[0]
    torch.testing.assert_close(first[:, :25], second[:, :25])
    assert not torch.allclose(first[:, 25:], second[:, 25:])


def test_a_window_forgets() -> None:
    from omnirl_reference.model.mixers import attention

    torch.manual_seed(0)
    mixer = make_mixer("window-attention", 16, 8)
    x = torch.randn(1, attention.WINDOW + 30, 16)
    changed = x.clone()
    changed[:, :20] += 1.0
    state = mixer.initial_state(1, x.device)
    last = slice(attention.WINDOW + 20, None)
    torch.testing.assert_close(mixer(x, state)[0][:, last], mixer(changed, state)[0][:, last])


def test_illegal_mixers_are_refused() -> None:
    with pytest.raises(InvalidConfig, match="give one of gated-delta"):
        make_mixer("lstm", 32, 8)
    with pytest.raises(InvalidConfig, match="not a multiple"):
        make_mixer("rwkv7", 30, 8)


def test_no_gradient_makes_s5_forget_backwards() -> None:
    torch.manual_seed(0)
    mixer = S5(16, 8)
    with torch.no_grad():
        for weight in mixer.parameters():
            weight -= 0.5
        outputs, _ = mixer(torch.randn(1, 4096, 16), mixer.initial_state(1, torch.device("cpu")))
    assert torch.isfinite(outputs).all() and outputs.abs().max() < 1e4
