"""Checkpoints as sequence models, by their entry points."""

from __future__ import annotations

import pytest

from anymdp_bench import UnknownName
from anymdp_bench.evaluation.sequence.model import make_model
from omnirl_reference.exact.reader import ExactReader
from omnirl_reference.playing.reader import OmniRLReader


def test_checkpoints_have_entry_points() -> None:
    assert isinstance(make_model("omnirl_reference.readers:omnirl_any"), ExactReader)
    assert isinstance(make_model("omnirl_reference.readers:omnirl_16"), OmniRLReader)
    with pytest.raises(UnknownName, match="omnirl_17"):
        make_model("omnirl_reference.readers:omnirl_17")
