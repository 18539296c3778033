"""The compiled batched step.

Environments are stepped in blocks and in stages. Each stage asks for the memory that the next one reads,
and the stages of several blocks take turns, so that many reads are under way while something else is
computed. Arithmetic that needs no memory runs over whole blocks, in vector instructions.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.envs.episodes import Episodes, Moves, Outputs, restart, stay
from anymdp_bench.envs.intrinsics import count_slots, prefetch
from anymdp_bench.envs.normals import LANES, fill_normals
from anymdp_bench.envs.streams import ONE, KeyArray
from anymdp_bench.envs.tables import (
    EXTRA,
    EXTRA_SLOT,
    KIND_MASK,
    LIST_SLOT,
    LISTED,
    SIZE_SHIFT,
    WIDE_LISTED,
    WIDE_SLOT,
    WIDE_SPAN,
    RecordArray,
    StepTables,
)
from anymdp_bench.foundation.compiling import kernel
from anymdp_bench.foundation.seeding import GOLDEN, WEIGHT_TOTAL, mix, outcome_bits
from anymdp_bench.foundation.types import BoolArray, FloatArray, IntArray

STAGES = 4
BLOCK = 64
"""Environments per block; 32 and 128 were slower (Zen 4, 1,024 and 16,384 environments)."""


class Block(NamedTuple):
    """What the stages of one block hand on; entry j belongs to the j-th environment that moves.

    Attributes:
        rows: int64, number of the environment.
        line: int64, its line.
        outcome: int64, index of the outcome drawn; of its segment, until a wide row is resolved.
        arrival: int64, number of the next state among all states of the tables.
        wide: int64, which entries overflow their line.
        counter: uint64, key of the episode plus counter of the draw.
        bits: uint64, the draw.
        z: float64, its standard normal.
    """

    rows: IntArray
    line: IntArray
    outcome: IntArray
    arrival: IntArray
    wide: IntArray
    counter: KeyArray
    bits: KeyArray
    z: FloatArray


@kernel(inner=True, nogil=True)
def _gather(
    low: int, high: int, moves: Moves, tables: StepTables, episodes: Episodes, out: Outputs, block: Block
) -> int:
    """Stage 1: who does not move stays or restarts; draw for the others, ask for their lines.

    Returns:
        How many move.
    """
    actions, tokens, token = moves.actions, moves.tokens, moves.token
    state, elapsed, over, lines = episodes.state, episodes.elapsed, episodes.over, tables.lines
    episode_keys, places = episodes.streams[3], episodes.places
    first_token = token == 0
    count = 0
    for i in range(low, high):
        if not over[i] if moves.autoreset else moves.active[i]:
            line = (places[0, i] + state[i]) * moves.n_actions + actions[i * tokens + token]
            prefetch(lines, line)
            block.rows[count] = i
            block.line[count] = line
            # Steps count from the first token on, so `elapsed` already includes this step later.
            executed = (elapsed[i] if first_token else elapsed[i] - 1) * tokens + token
            block.counter[count] = episode_keys[i] + (np.uint64(executed) + ONE) * GOLDEN
            count += 1
        elif first_token:
            if moves.autoreset:
                restart(i, tables.starts, episodes)
            stay(i, tables.arrivals, episodes, out)
    for j in range(BLOCK):
        block.bits[j] = mix(block.counter[j] + GOLDEN)
    return count


@kernel(inner=True, nogil=True)
def _search(count: int, tables: StepTables, episodes: Episodes, block: Block) -> int:
    """Stage 2: find the outcomes drawn, ask for what follows. Returns how many rows overflow their line."""
    lines, wide, arrivals = tables.lines, tables.wide, tables.arrivals
    overflows = 0
    for j in range(count):
        line = lines[block.line[j]]
        k = count_slots(lines, block.line[j], np.uint32(outcome_bits(block.bits[j])))
        block.outcome[j] = k
        kind = line.marks & KIND_MASK
        if kind >= WIDE_SPAN:
            block.wide[overflows] = j
            overflows += 1
            first = np.int64(line.slots[WIDE_SLOT]) - WEIGHT_TOTAL
            prefetch(wide, first + k * (line.marks >> SIZE_SHIFT))
        else:
            following = line.first + k
            if kind == LISTED:
                following = np.int64(line.slots[LIST_SLOT + k]) - WEIGHT_TOTAL
            i = block.rows[j]
            episodes.state[i] = following
            block.arrival[j] = episodes.places[0, i] + following
            prefetch(arrivals, block.arrival[j])
    return overflows


@kernel(inner=True, nogil=True)
def _resolve(overflows: int, tables: StepTables, episodes: Episodes, block: Block) -> None:
    """Stage 3: find the outcomes of the rows that overflow their line."""
    wide = tables.wide
    for entry in range(overflows):
        j = block.wide[entry]
        line = tables.lines[block.line[j]]
        u = np.uint32(outcome_bits(block.bits[j]))
        first = np.int64(line.slots[WIDE_SLOT]) - WEIGHT_TOTAL
        at = first + block.outcome[j] * (line.marks >> SIZE_SHIFT)
        while wide[at] <= u:
            at += 1
        block.outcome[j] = at - first
        listed = line.marks & KIND_MASK == WIDE_LISTED
        following = np.int64(wide[at + line.first]) if listed else line.first + at - first
        i = block.rows[j]
        episodes.state[i] = following
        block.arrival[j] = episodes.places[0, i] + following
        prefetch(tables.arrivals, block.arrival[j])


@kernel(inner=True, nogil=True)
def _finish(
    count: int, first_token: bool, tables: StepTables, episodes: Episodes, out: Outputs, block: Block
) -> None:
    """Stage 4: rewards, ends of episodes, outputs."""
    elapsed, horizons, over, extra = episodes.elapsed, episodes.horizons, episodes.over, tables.extra
    wants_scores, wants_means = len(out.scores) > 0, len(out.means) > 0
    for j in range(count):
        i = block.rows[j]
        line = tables.lines[block.line[j]]
        arrival = tables.arrivals[block.arrival[j]]
        mean = line.reward + arrival.reward
        score = mean
        if line.marks & EXTRA:
            k = np.int64(line.slots[EXTRA_SLOT]) - WEIGHT_TOTAL + block.outcome[j]
            mean += extra[k, 0]
            score = extra[k, 1]
        reward = mean + (np.float64(line.noise) + np.float64(arrival.noise)) * block.z[j]
        spent = elapsed[i] + 1 if first_token else elapsed[i]
        terminated = arrival.tag & 1 == 1
        truncated = not terminated and spent >= horizons[i]
        elapsed[i] = spent
        over[i] = terminated or truncated
        out.observations[i] = arrival.tag >> 1
        out.rewards[i] = reward if first_token else out.rewards[i] + reward
        out.terminated[i] = terminated
        out.truncated[i] = truncated
        if wants_scores:
            out.scores[i] = score if first_token else out.scores[i] + score
        if wants_means:
            out.means[i] = mean if first_token else out.means[i] + mean


@kernel(work=lambda low, high, *rest: 5 * BLOCK + 50 * (high - low), patience=20_000, nogil=True)
def step_range(
    low: int,
    high: int,
    actions: IntArray,
    active: BoolArray,
    n_actions: int,
    tokens: int,
    token: int,
    autoreset: bool,
    lines: RecordArray,
    arrivals: RecordArray,
    wide: NDArray[np.uint32],
    extra: FloatArray,
    starts: RecordArray,
    streams: KeyArray,
    places: IntArray,
    state: IntArray,
    elapsed: NDArray[np.int32],
    horizons: NDArray[np.int32],
    over: BoolArray,
    observations: IntArray,
    rewards: FloatArray,
    terminated: BoolArray,
    truncated: BoolArray,
    scores: FloatArray,
    means: FloatArray,
) -> None:
    """Execute one action token of the environments low..high-1, each stage one block behind the stage before.

    The arguments are the fields of `Moves`, `StepTables`, `Episodes` and `Outputs`, in this order: handing
    over named tuples would cost more time than stepping a hundred environments.
    """
    moves = Moves(actions, active, n_actions, tokens, token, autoreset)
    tables = StepTables(lines, arrivals, wide, extra, starts)
    episodes = Episodes(streams, places, state, elapsed, horizons, over)
    out = Outputs(observations, rewards, terminated, truncated, scores, means)
    # Few arrays of few kinds: every kind takes the compiler a while.
    integers = np.empty((STAGES, 6, BLOCK + LANES), np.int64)
    draws = np.empty((STAGES, 2, BLOCK), np.uint64)
    reals = np.zeros((STAGES + 1, BLOCK + LANES))
    tail, tail_index = reals[STAGES], integers[0, 5]
    counts, overflows = integers[1, 5], integers[2, 5]
    blocks = (high - low + BLOCK - 1) // BLOCK
    for tick in range(blocks + STAGES - 1):
        for stage in range(STAGES):
            number = tick - stage
            if not 0 <= number < blocks:
                continue
            b = number % STAGES
            ints = integers[b]
            block = Block(ints[0], ints[1], ints[2], ints[3], ints[4], draws[b, 0], draws[b, 1], reals[b])
            if stage == 0:
                first = low + number * BLOCK
                last = min(first + BLOCK, high)
                counts[b] = _gather(first, last, moves, tables, episodes, out, block)
            elif stage == 1:
                overflows[b] = _search(counts[b], tables, episodes, block)
            elif stage == 2:
                _resolve(overflows[b], tables, episodes, block)
                fill_normals(block.bits, counts[b], block.z, tail, tail_index)
            else:
                _finish(counts[b], moves.token == 0, tables, episodes, out, block)
