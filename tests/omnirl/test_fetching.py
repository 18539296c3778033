"""Checkpoints that the wheel does not hold."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch")

from anymdp_bench import BenchError, UnknownName, make_agent  # noqa: E402
from anymdp_bench.foundation.digests import sha256  # noqa: E402
from omnirl_reference.cli.app import app  # noqa: E402
from omnirl_reference.model import shipped  # noqa: E402

NAME = "omnirl-16"
CHECKOUT = shipped.CHECKPOINTS


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As where only the wheel is installed; returns the store."""
    monkeypatch.setattr(shipped, "CHECKPOINTS", tmp_path / "package")
    monkeypatch.setenv(shipped.STORE, str(tmp_path / "store"))
    return tmp_path / "store"


def test_every_large_checkpoint_of_the_checkout_has_its_digests() -> None:
    for folder in CHECKOUT.iterdir():
        small = folder.name.startswith("omnirl-any")
        assert (folder.name in shipped.elsewhere()) != small
        for file, digest in shipped.elsewhere().get(folder.name, {}).items():
            assert sha256((folder / file).read_bytes()) == digest


def test_what_is_missing_is_named_with_the_ways_to_get_it() -> None:
    assert NAME in shipped.checkpoint_names()
    with pytest.raises(UnknownName, match=rf"`omnirl fetch {NAME} .* {shipped.STORE} name a folder"):
        make_agent(NAME)


@pytest.mark.parametrize("source", [str(CHECKOUT), CHECKOUT.as_uri()])
def test_a_fetched_checkpoint_plays(source: str, installed: Path) -> None:
    result = CliRunner().invoke(app, ["fetch", NAME, "--source", source])
    assert result.exit_code == 0
    assert str(installed / NAME) in result.stdout
    assert make_agent(NAME).info.name == NAME


def copy(name: str, to: Path) -> Path:
    (to / name).mkdir(parents=True)
    for file in (CHECKOUT / name).iterdir():
        (to / name / file.name).write_bytes(file.read_bytes())
    return to


def test_a_flipped_bit_is_refused_and_nothing_is_kept(tmp_path: Path, installed: Path) -> None:
    source = copy(NAME, tmp_path / "source")
    weights = source / NAME / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    with pytest.raises(BenchError, match=r"weights\.safetensors is not the file of this version"):
        shipped.fetch(NAME, str(source))
    assert not installed.exists()


def test_a_bit_that_flips_in_the_store_is_seen_when_it_is_used(installed: Path) -> None:
    weights = shipped.fetch(NAME, str(CHECKOUT)) / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    with pytest.raises(BenchError, match=rf"is not the file of this version.*omnirl fetch {NAME}"):
        make_agent(NAME)


@pytest.mark.parametrize(
    "source", ["http://localhost/x", "nowhere", "file:///nowhere", "https://localhost:1/nothing"]
)
def test_a_source_that_cannot_be_read_is_named(source: str, installed: Path) -> None:
    with pytest.raises(BenchError, match="cannot be read"):
        shipped.fetch(NAME, source)
    assert not installed.exists()


def test_only_known_names_are_fetched() -> None:
    with pytest.raises(UnknownName, match="give one of ad, "):
        shipped.fetch("../evil", str(CHECKOUT))
    with pytest.raises(UnknownName, match="give a folder that holds"):
        shipped.checkpoint_folder("../evil")
