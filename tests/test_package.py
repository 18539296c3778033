"""The package as its users meet it: public names, documents, metadata, pinned versions."""

from __future__ import annotations

import configparser
import re
from importlib import metadata
from pathlib import Path

import gymnasium
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import anymdp_bench
from anymdp_bench.foundation.registry import load_object

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("leaderboards/*.md")])
AGENT_GROUP = "anymdp_bench.agents"

PUBLIC_NAMES = """
Agent AgentError AgentInfo Answers BANKS BOARDS Bank BenchError Board Context CopyLearner EpisodeLearner
EpisodeOver Episodes FingerprintMismatch InvalidAction InvalidConfig InvalidContext InvalidPolicy
InvalidSeed InvalidTask LEAST_RANKED_STATES Learner MarkovLearner MissingExtra NotTabular ORACLE_DISCOUNT
OneHot OneHotVector RecordsError RecordsWarning References Result SEQUENCE_BOARDS SamplingFailed
Sb3VecEnv Segment SequenceBoard SequenceModel SequenceResult SingleAgent SingleTask TEACHERS TabularTask
Task TaskFileError TrialEnv TrialVectorEnv UndefinedScore UnknownName UnsupportedSetting WorkerLost
__version__ agent_table batch_env build_task by_observation check_agent child_seed compiled_rows
discrete_sizes evaluate evaluate_sequence finite_horizon_optimum get_board greedy load_bank load_result
load_sequence_result load_task make_agent plan policy_return policy_value record_context record_episodes
record_run references restart_row sample_task sample_tasks stationary_distribution step_row task_of
task_spec
""".split()


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(
        rf"^```{language}\n(.*?)^```$", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [p for p in DOCUMENTS if blocks(p, "python")], ids=name_of)
def test_python_in_documents_runs(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": "documentation"}
    for number, block in enumerate(blocks(path, "python")):
        exec(compile(block, f"{name_of(path)}, block {number}", "exec"), namespace)


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_relative_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (path.parent / target).exists(), f"{name_of(path)} links to {target}"


def test_every_environment_and_setting_is_documented() -> None:
    text = (ROOT / "docs" / "environments.md").read_text(encoding="utf-8")
    ours = {i: s for i, s in gymnasium.registry.items() if str(s.entry_point).startswith("anymdp_bench.")}
    one_hot = {i: ours.pop(i).kwargs["of"] for i in list(ours) if "-onehot-" in i}
    assert "AnyMDP-onehot-v0" in text and set(one_hot.values()) == ours.keys() - {"AnyMDP-trial-v0"}
    assert set(re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE)) == set(ours)
    described = dict(re.findall(r"^\*\*`([\w-]+)`\*\* \((.*?)\)\.", text, re.DOTALL | re.MULTILINE))
    for name, spec in ours.items():
        for setting in spec.kwargs.keys() - {"task_seed"}:
            assert re.search(rf"\b{setting}\b", described[name]), f"{name}: {setting} is not described"


def test_readme_holds_the_two_commands() -> None:
    commands = "".join(blocks(ROOT / "README.md", "bash")).splitlines()
    assert "python -m pip install . && anymdp-bench run q-ucb" in commands
    install = 'python -m pip install -c constraints.txt ".[test]"'
    assert f"{install} && python -m pytest -n auto --dist worksteal" in commands


def test_public_names_are_these_and_exist() -> None:
    assert sorted(anymdp_bench.__all__) == sorted(PUBLIC_NAMES)
    assert all(getattr(anymdp_bench, name) is not None for name in PUBLIC_NAMES)
    assert set(PUBLIC_NAMES) <= set(dir(anymdp_bench))
    with pytest.raises(AttributeError, match="no attribute 'evaluat'"):
        _ = anymdp_bench.evaluat


def test_what_pypi_shows_has_no_relative_link() -> None:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    path = ROOT / parser["metadata"]["long_description"].removeprefix("file: ")
    text = path.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)\s]+)", text) + re.findall(r"(?:src|href)=\"([^\"]+)", text)
    assert targets and all(target.startswith("https://") for target in targets)


def test_version_is_the_same_everywhere() -> None:
    version = anymdp_bench.__version__
    assert metadata.version("anymdp-bench") == version
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\n## {version}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"version = {{{version}}}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_entry_points_load() -> None:
    (script,) = metadata.entry_points(group="console_scripts", name="anymdp-bench")
    assert callable(script.load())
    for table in metadata.entry_points(group=AGENT_GROUP):
        for name, path in table.load().items():
            assert callable(load_object(path)), name


def setup_extras() -> dict[str, list[str]]:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    extras = {name: text.split("\n") for name, text in parser["options.extras_require"].items()}
    return extras | {"": parser["options"]["install_requires"].split("\n")}


def wanted(extra: str) -> set[tuple[str, str]]:
    """(distribution, extra) pairs that an extra of ours asks for directly."""
    pairs: set[tuple[str, str]] = set()
    for line in filter(None, setup_extras()[extra]):
        requirement = Requirement(line)
        name = canonicalize_name(requirement.name)
        if name == "anymdp-bench":
            pairs = pairs.union(*map(wanted, requirement.extras))
        else:
            pairs |= {(name, part) for part in ("", *requirement.extras)}
    return pairs


def closure(pairs: set[tuple[str, str]]) -> set[str]:
    """Names of installed distributions that the pairs pull in, themselves included."""
    seen: set[tuple[str, str]] = set()
    todo = list(pairs)
    while todo:
        name, extra = todo.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for line in metadata.requires(name) or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                todo += [(canonicalize_name(requirement.name), part) for part in ("", *requirement.extras)]
    return {name for name, _ in seen}


def test_constraints_pin_everything_that_the_tests_install() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert all(str(pin.specifier).startswith("==") for pin in pins)
    pinned = [canonicalize_name(pin.name) for pin in pins]
    assert len(pinned) == len(set(pinned))
    assert closure(wanted("") | wanted("test")) <= set(pinned)
    others = "bench", "browser", "dev", "release"
    assert {name for extra in others for name, _ in wanted(extra)} <= set(pinned)


def test_every_extra_names_its_lowest_versions() -> None:
    for extra in setup_extras():
        for line in filter(None, setup_extras()[extra]):
            requirement = Requirement(line)
            assert requirement.specifier or requirement.name == "anymdp-bench", f"[{extra}] {line}"


def test_a_source_archive_holds_what_the_tests_read() -> None:
    lines = (ROOT / "MANIFEST.in").read_text(encoding="utf-8").splitlines()
    grafted = {line.removeprefix("graft ") for line in lines if line.startswith("graft ")}
    included = [word for line in lines if line.startswith("include ") for word in line.split()[1:]]
    assert {
        "anymdp_bench/banks/data",
        "docs",
        "examples",
        "leaderboards",
        "tests",
        ".ci",
        ".github",
    } <= grafted
    for name in ("constraints.txt", "setup.cfg", "CHANGELOG.md", "ruff.toml", "LICENSE"):
        assert any(Path(name).match(pattern) for pattern in included), name
