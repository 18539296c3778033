"""What a model has learnt, measured on sequences that it was not trained on."""

from __future__ import annotations

import dataclasses

import torch

from anymdp_bench import InvalidConfig, load_bank
from omnirl_reference.config.training import TrainConfig
from omnirl_reference.model.model import OmniRL
from omnirl_reference.playing.agent import OmniRLAgent
from omnirl_reference.playing.validation import Plan, validate
from omnirl_reference.stream.simulate import Sequences
from omnirl_reference.stream.stream import Stream
from omnirl_reference.training.loss import policy_errors
from omnirl_reference.training.segments import segments_of

RANGES = ((0, 16), (16, 64), (64, 256), (256, None))
"""Steps of context between which losses are averaged."""
SEQUENCES = 32
VALIDATION_STEPS = 2000


def range_name(low: int, high: int | None) -> str:
    """``"64-256"``, ``"256+"``."""
    return f"{low}+" if high is None else f"{low}-{high}"


LOSS_COLUMNS = tuple(f"{kind} {range_name(*r)}" for kind in ("unseen", "seen") for r in RANGES)
SCORE_COLUMNS = tuple(f"score {window}" for window in ("0-500", "500-1000", "1000-1500", "1500-2000"))


def check_validation(config: TrainConfig) -> None:
    """Refuse a run that would fail when it is first validated.

    Raises:
        UnknownName: no such bank.
        InvalidConfig: its tasks are larger than the model.
    """
    if config.validate_every == 0:
        return
    task = load_bank(config.validation_bank).validation[0]
    sizes, known = (task.n_observations, task.n_actions), (config.model.n_states, config.model.n_actions)
    if sizes[0] > known[0] or sizes[1] > known[1]:
        raise InvalidConfig(
            f"validation_bank={config.validation_bank!r} has tasks of {sizes[0]} states and {sizes[1]} "
            f"actions; give one of at most {known[0]} and {known[1]}."
        )


class HeldOut:
    """Losses by length of context, on unseen tasks and on tasks that were trained on, but played anew.

    They are of the kind of the last stage, at every stage: figures of one run can be compared.

    Args:
        config: The whole run.
    """

    def __init__(self, config: TrainConfig) -> None:
        """Make the sequences, once."""
        self._config = config
        stream = config.stream_of(config.stages[-1])
        stream = dataclasses.replace(stream, label_behaviour=False)
        self._sequences = {
            "unseen": Stream(dataclasses.replace(stream, n_tasks=None), SEQUENCES, "unseen").make(0),
            "seen": Stream(stream, SEQUENCES, replay=True).make(0),
        }

    def losses(self, model: OmniRL) -> dict[str, float]:
        """Policy cross-entropy in nats, by `LOSS_COLUMNS`; ranges beyond the sequences are left out."""
        found = {}
        for kind, sequences in self._sequences.items():
            for name, value in loss_by_range(model, sequences, self._config.segment).items():
                found[f"{kind} {name}"] = value
        return found

    def scores(self, model: OmniRL) -> dict[str, float]:
        """Clipped online scores on validation tasks, by `SCORE_COLUMNS`."""
        training = model.training
        plan = Plan(
            bank=self._config.validation_bank, tasks=self._config.validation_tasks, steps=VALIDATION_STEPS
        )
        scores = validate(OmniRLAgent(model.eval()), plan)
        model.train(training)
        return {f"score {score.window}": score.clipped for score in scores}


@torch.inference_mode()
def loss_by_range(model: OmniRL, sequences: Sequences, segment: int) -> dict[str, float]:
    """Mean policy cross-entropy in nats of each range of `RANGES` that the sequences reach."""
    n_actions = sequences.targets.shape[-1]
    memory = model.initial_state(len(sequences.actions), n_actions)
    errors, acted = [], []
    for part in segments_of(sequences, segment, 1, model):
        logits, memory = model.decide(part.steps, memory)
        errors.append(policy_errors(logits, part.targets))
        acted.append(part.actions < n_actions)
    error, counts = torch.cat(errors, dim=1), torch.cat(acted, dim=1).float()
    found = {}
    for low, high in RANGES:
        inside = slice(low, high)
        if counts[:, inside].sum() > 0:
            found[range_name(low, high)] = float(error[:, inside].sum() / counts[:, inside].sum())
    return found
