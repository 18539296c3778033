import math

import numpy as np
import pytest
from scipy.special import ndtri

from anymdp_bench.foundation import exact, seeding
from anymdp_bench.foundation.errors import InvalidSeed

UNIFORM = np.random.default_rng(0).uniform


def test_log_and_exp_agree_with_libm() -> None:
    for x in np.exp(UNIFORM(-600, 600, 2000)):
        assert exact.log(x) == pytest.approx(math.log(x), rel=4e-16, abs=1e-18)
    for x in UNIFORM(-700, 700, 2000):
        assert exact.exp(x) == pytest.approx(math.exp(x), rel=4e-16)
    assert exact.exp(0.0) == 1.0
    assert exact.log(1.0) == 0.0
    assert exact.exp(-746.0) == 0.0


def test_sine_and_cosine_agree_with_libm() -> None:
    for x in UNIFORM(-1000, 1000, 4000):
        sine, cosine = exact.sin_cos(x)
        assert sine == pytest.approx(math.sin(x), abs=3e-16)
        assert cosine == pytest.approx(math.cos(x), abs=3e-16)


def test_normal_quantile_agrees_with_scipy() -> None:
    """On the grid that draws lie on (odd multiples of 2**-53), both tails included."""
    odd = 2.0 ** np.arange(1, 52) + 1
    for p in [*(odd * 2.0**-53), *(1 - odd * 2.0**-53), 2.0**-53]:
        assert exact.normal_quantile(p) == pytest.approx(ndtri(p), rel=2e-15, abs=1e-15)


@pytest.mark.parametrize("seed", [-1, 1 << 64, 0.5, "7", None, True])
def test_illegal_seed_is_refused(seed: object) -> None:
    with pytest.raises(InvalidSeed, match=r"give an integer in \[0, 2\*\*64\)"):
        seeding.check_seed(seed)


def test_splitmix64_matches_published_vectors() -> None:
    """First outputs of splitmix64 from seed 1234567 (Vigna's reference implementation)."""
    key = np.uint64(1234567)
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [int(seeding.draw(key, np.uint64(i))) for i in range(3)] == published


def test_streams_and_children_are_apart() -> None:
    streams = [seeding.ENV_STREAM, seeding.TASK_STREAM, seeding.EMISSION_STREAM, seeding.AGENT_STREAM]
    keys = {int(seeding.stream_key(np.uint64(s), t)) for s in range(50) for t in streams}
    assert len(keys) == 200
    children = {seeding.child_seed(s, *names) for s in range(20) for names in [("a",), ("a", 0), ("a", "0")]}
    assert len(children) == 60


def test_sequential_draws_have_the_right_moments() -> None:
    stream = np.array([12345], dtype=np.uint64)
    normal = np.array([seeding.next_normal(stream) for _ in range(20_000)])
    exponential = np.array([seeding.next_exponential(stream, 2.0) for _ in range(20_000)])
    integers = np.array([seeding.next_integer(stream, 3, 7) for _ in range(20_000)])
    assert abs(normal.mean()) < 4 / math.sqrt(20_000)
    assert abs(normal.var() - 1) < 4 * math.sqrt(2 / 20_000)
    assert abs(exponential.mean() - 2.0) < 4 * 2 / math.sqrt(20_000)
    counts = np.bincount(integers)[3:]
    assert len(counts) == 5
    assert ((counts - 4000) ** 2 / 4000).sum() < 25


def test_one_draw_splits_into_independent_outcome_and_noise() -> None:
    bits = [seeding.draw(np.uint64(9), np.uint64(i)) for i in range(20_000)]
    outcome = np.array([seeding.outcome_bits(np.uint64(b)) for b in bits]) / 2**30
    noise = np.array([seeding.noise_offset(np.uint64(b)) for b in bits])
    assert -0.5 < noise.min() < noise.max() < 0.5
    assert abs(np.corrcoef(outcome, noise)[0, 1]) < 4 / math.sqrt(20_000)
    assert abs(outcome.mean() - 0.5) < 4 / math.sqrt(12 * 20_000)
