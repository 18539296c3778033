import pytest

from anymdp_bench import InvalidConfig
from anymdp_bench.cli.options import options_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("kappa=0.1", 0.1),
        ("probe=4", 4),
        ("leaf=gains", "gains"),
        ("fast=true", True),
        ("seed=null", None),
        ("place=[1]", "[1]"),
        ("rule=a=b", "a=b"),
    ],
)
def test_values_are_read_as_json_and_else_as_texts(text: str, value: object) -> None:
    assert list(options_of([text]).values()) == [value]


@pytest.mark.parametrize("text", ["kappa", "=1", "kappa=", ""])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(InvalidConfig, match="give KEY=VALUE"):
        options_of([text])
