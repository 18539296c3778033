"""Contexts as Minari data sets, for offline RL libraries (extra ``[minari]``).

Each episode is a Minari episode; who recorded it, its row and its tags are metadata of the episode. The
data are stored as hdf5, without infos.
"""

from __future__ import annotations

import contextlib
import copy
import re
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec
from gymnasium.spaces import Discrete, MultiDiscrete, Space

from anymdp_bench.contexts.context import Context
from anymdp_bench.contexts.teachers import UNKNOWN
from anymdp_bench.envs.one_hot import Code, OneHot
from anymdp_bench.foundation.errors import InvalidContext
from anymdp_bench.foundation.extras import require_extra

TEACHER, ROW, TAGS = "anymdp_teacher", "anymdp_row", "anymdp_tags"
"""Names of the metadata."""
DIGEST = "anymdp_sha256"
"""Name of the metadata that hold the context's fingerprint."""
LEGAL_ID = re.compile(r"(\w[\w-]*/)*\w[\w-]*-v\d+", re.ASCII)
"""What Minari reads, without dots: a folder of the same name is made."""
LONGEST = 60_000
"""Tags of an episode must fit the 64 KiB of an hdf5 attribute."""
SOMEBODY = "unknown"
"""Teacher of episodes that do not say."""


def to_minari(
    context: Context,
    dataset_id: str,
    *,
    env: str | EnvSpec | gymnasium.Env[Any, Any] | None = None,
    one_hot: bool = False,
    **metadata: Any,
) -> Any:
    """Write a context as a new local data set.

    Args:
        context: What to write.
        dataset_id: ``"namespace/name-v0"`` or ``"name-v0"`` of letters, digits, hyphens and underscores;
            it must not exist.
        env: Where the episodes were recorded, for ``recover_environment`` of the data set: an id, an
            environment, or what `task_spec` returns for a bank's task.
        one_hot: Write observations as float32 one-hot vectors, as `OneHot` shows them, for libraries that
            take no ids, d3rlpy for one; `from_minari` does not read them back.
        **metadata: Further arguments of ``minari.create_dataset_from_buffers``, e.g. ``author``.

    Returns:
        The ``minari.MinariDataset``.

    Raises:
        MissingExtra: Minari is not installed.
        InvalidContext: the id is not legal, the data set exists, an episode is too long, or `env` has other
            spaces. Nothing is left behind, whatever goes wrong.
    """
    _check_id(dataset_id)
    minari = _minari()
    spaces = _spaces(context)
    spec = None if env is None else _spec_of(env, spaces, one_hot)
    code = Code(spaces[0]) if one_hot else None
    longest = int(context.lengths.max())
    if longest > LONGEST:
        raise InvalidContext(f"an episode has {longest} steps; at most {LONGEST} can be written.")
    if _folder(dataset_id).exists():
        raise InvalidContext(f"data set {dataset_id!r} exists. Delete it, or choose another name or version.")
    buffers = [
        minari.data_collector.EpisodeBuffer(id=k, infos={}, **_episode(context, k, code))
        for k in range(len(context.teachers))
    ]
    given = {"algorithm_name": ", ".join(sorted(set(context.teachers)))} | metadata
    with warnings.catch_warnings(), _or_nothing(dataset_id):
        # Minari recommends an environment, an author and a permalink; not every context has them.
        warnings.filterwarnings("ignore", category=UserWarning, module=r"minari\.utils")
        data_set = minari.create_dataset_from_buffers(
            dataset_id,
            buffers,
            env=spec,
            observation_space=spaces[0] if code is None else code.space,
            action_space=spaces[1],
            data_format="hdf5",
            **given,
        )
        data_set.storage.update_episode_metadata(_marks(context, k) for k in range(len(buffers)))
        data_set.storage.update_metadata({DIGEST: context.fingerprint()})
    return data_set


def _check_id(dataset_id: object) -> None:
    if not isinstance(dataset_id, str) or not LEGAL_ID.fullmatch(dataset_id):
        raise InvalidContext(
            f"dataset_id={dataset_id!r} is not legal: give 'name-v0' or 'namespace/name-v0' of letters, "
            "digits, hyphens and underscores."
        )


@contextlib.contextmanager
def _or_nothing(dataset_id: str) -> Iterator[None]:
    """Remove what was written of a data set if the block fails."""
    try:
        yield
    except BaseException:
        shutil.rmtree(_folder(dataset_id), ignore_errors=True)
        raise


def _folder(dataset_id: str) -> Path:
    """Where a data set lies; other data sets, which may be damaged, are not looked at."""
    from minari.storage.datasets_root_dir import get_dataset_path

    return Path(get_dataset_path(dataset_id))


def _spec_of(
    env: str | EnvSpec | gymnasium.Env[Any, Any], spaces: tuple[Space[Any], Space[Any]], one_hot: bool
) -> EnvSpec:
    """Specification of an environment with these spaces, to be written."""
    made = env if isinstance(env, gymnasium.Env) else gymnasium.make(env)
    found = made.observation_space, made.action_space
    if found != spaces or made.spec is None:
        raise InvalidContext(f"env={env!r} has spaces {found}; the context needs a made one of {spaces}.")
    spec = copy.deepcopy((OneHot(made) if one_hot else made).spec)
    assert spec is not None  # a wrapper of a made environment has one
    spec.max_episode_steps = None  # the environment ends its episodes by itself
    return spec


def from_minari(dataset_id: str) -> Context:
    """Read a context from a local data set; inverse of `to_minari`.

    Data sets of other origin are read as well, if they have discrete spaces and complete episodes; then all
    episodes form one row, and teacher and tags are unknown.

    Raises:
        MissingExtra: Minari is not installed.
        InvalidContext: there is no such data set, its spaces are not discrete, or its episodes contradict
            themselves.
    """
    minari = _minari()
    if not isinstance(dataset_id, str):
        raise InvalidContext(
            f"a {type(dataset_id).__name__} is not legal: give the id that `to_minari` was given."
        )
    if not _folder(dataset_id).is_dir():
        raise InvalidContext(
            f"there is no local data set {dataset_id!r}; `minari.download_dataset` fetches remote ones."
        )
    try:
        data_set = minari.load_dataset(dataset_id)
        context = _read(data_set)
    except InvalidContext:
        raise
    except Exception as error:  # what h5py, Minari and JSON raise on damaged files has no common class
        raise InvalidContext(
            f"data set {dataset_id!r} cannot be read ({type(error).__name__}: {error}). Write it again."
        ) from error
    digest = data_set.storage.metadata.get(DIGEST)
    if digest is not None and digest != context.fingerprint():
        raise InvalidContext(f"data set {dataset_id!r} is not what was written: damaged. Write it again.")
    return context


def _read(data_set: Any) -> Context:
    episodes = sorted(data_set.iterate_episodes(), key=lambda episode: episode.id)
    marks = list(data_set.storage.get_episode_metadata([episode.id for episode in episodes]))
    lengths = [len(episode.rewards) for episode in episodes]
    tags = [
        np.asarray(mark.get(TAGS, np.full(length, UNKNOWN)))
        for mark, length in zip(marks, lengths, strict=True)
    ]
    return Context(
        n_rows=1 + max((int(mark.get(ROW, 0)) for mark in marks), default=0),
        n_observations=_size("observation", data_set.observation_space),
        n_actions=_size("action", data_set.action_space),
        observations=np.concatenate([episode.observations[:-1] for episode in episodes]),
        next_observations=np.concatenate([episode.observations[1:] for episode in episodes]),
        actions=np.concatenate([episode.actions for episode in episodes]),
        rewards=np.concatenate([episode.rewards for episode in episodes]),
        terminated=np.concatenate([episode.terminations for episode in episodes]),
        truncated=np.concatenate([episode.truncations for episode in episodes]),
        tags=np.concatenate(tags),
        episode_start=np.concatenate([[0], np.cumsum(lengths)]),
        teachers=tuple(str(mark.get(TEACHER, SOMEBODY)) for mark in marks),
    )


def _steps(context: Context, episode: int) -> slice:
    return slice(*context.episode_start[episode : episode + 2].tolist())


def _episode(context: Context, episode: int, code: Code | None) -> dict[str, Any]:
    """Arrays of an episode under Minari's names; one observation more than steps."""
    steps = _steps(context, episode)
    last = context.next_observations[steps.stop - 1]
    observations = np.concatenate([context.observations[steps], last[None]])
    return {
        "observations": observations if code is None else code.encode(observations),
        "actions": context.actions[steps],
        "rewards": context.rewards[steps],
        "terminations": context.terminated[steps],
        "truncations": context.truncated[steps],
    }


def _marks(context: Context, episode: int) -> dict[str, Any]:
    return {
        TEACHER: context.teachers[episode],
        ROW: episode // context.n_episodes,
        TAGS: context.tags[_steps(context, episode)],
    }


def _minari() -> Any:
    require_extra("minari", "minari", "h5py", "PIL", what="Minari data sets")
    import minari
    import minari.data_collector

    return minari


def _spaces(context: Context) -> tuple[Space[Any], Space[Any]]:
    """Observation and action space of one step."""
    observations = _space(context.n_observations, context.observations.shape[1:])
    return observations, _space(context.n_actions, context.actions.shape[1:])


def _space(size: int, tokens: tuple[int, ...]) -> Space[Any]:
    return MultiDiscrete(np.full(tokens, size)) if tokens else Discrete(size)


def _size(name: str, space: Space[Any]) -> int:
    """Number of ids of a space that starts at 0."""
    if isinstance(space, Discrete) and space.start == 0:
        return int(space.n)
    if isinstance(space, MultiDiscrete) and space.nvec.ndim == 1 and not np.any(space.start):
        return int(space.nvec.max())
    raise InvalidContext(f"{name} space {space} is not Discrete or MultiDiscrete from 0.")
