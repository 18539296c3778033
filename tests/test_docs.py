"""The documentation site covers the package: every public name, every environment, every document."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import gymnasium
import pytest

import anymdp_bench
from anymdp_bench import kernels
from anymdp_bench.envs import ENVS
from anymdp_bench.foundation.registry import load_object

pytest.importorskip("mkdocs")
ROOT = Path(__file__).parent.parent
IDS = [entry.id for entry in ENVS]


@pytest.fixture(scope="module")
def hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_hooks", ROOT / "docs" / "hooks.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_public_name_stands_on_one_page(hooks: ModuleType) -> None:
    names = [name for page in hooks.api_pages().values() for name in page]
    assert len(names) == len(set(names))
    public = {f"anymdp_bench.{name}" for name in anymdp_bench.__all__}
    public |= {f"anymdp_bench.kernels.{name}" for name in kernels.__all__}
    assert public <= set(names)
    for name in set(names) - public:
        module, _, attribute = name.rpartition(".")
        assert load_object(f"{module}:{attribute}").__doc__


@pytest.mark.parametrize("env_id", IDS)
def test_every_environment_has_a_page_with_its_parts(env_id: str, hooks: ModuleType) -> None:
    text = (ROOT / "docs" / "environments" / f"{env_id}.md").read_text(encoding="utf-8")
    assert f"<!-- facts: {env_id} -->" in text and "## Arguments" in text
    if "envs." not in text:  # otherwise the class's docstring says all this
        for part in ("## Spaces", "ewards", "tart and end", "## Version history"):
            assert part in text, part
    facts = hooks.on_page_markdown(f"<!-- facts: {env_id} -->", _OfFolder, None, None)
    env = gymnasium.make(env_id)
    for name, space in {"observations": env.observation_space, "actions": env.action_space}.items():
        assert f"\n| {name} | `{hooks.shown(space)}` |\n" in facts and "\n" not in hooks.shown(space)


class _OfFolder:
    class file:
        generated_by = "test"


def test_every_page_is_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for path in (ROOT / "docs").rglob("*.md"):
        assert re.search(rf"[- :]{re.escape(path.relative_to(ROOT / 'docs').as_posix())}$", text, re.M), path
    assert all(f"environments/{env_id}.md" in text for env_id in IDS)


def test_every_document_that_is_linked_to_is_a_page(hooks: ModuleType) -> None:
    for path in (ROOT / "docs").glob("*.md"):
        for target in re.findall(r"\]\(\.\./([^)#\s]+)", path.read_text(encoding="utf-8")):
            assert target in hooks.PAGES, f"{path.name} links to {target}: add it to PAGES of docs/hooks.py"


def test_links_between_documents_become_links_between_pages(hooks: ModuleType) -> None:
    text = "[a](docs/agents.md#x) [b](CONTRIBUTING.md) [c](https://x.org/y)"
    assert hooks._with_page_links(text, "") == "[a](agents.md#x) [b](contributing.md) [c](https://x.org/y)"
    assert hooks._with_page_links("[d](../leaderboards/README.md)", "docs") == "[d](submissions.md)"
    assert hooks._with_page_links("[e](../docs/leaderboards.md)", "leaderboards") == "[e](leaderboards.md)"


def test_links_between_notebooks_become_links_between_pages(hooks: ModuleType) -> None:
    class page:
        class file:
            src_uri = "notebooks/task.ipynb"

    assert hooks.on_page_content('<a href="ppo.ipynb">', page, None, None) == '<a href="../ppo/">'
    page.file.src_uri = "agents.md"
    assert hooks.on_page_content('<a href="ppo.ipynb">', page, None, None) == '<a href="ppo.ipynb">'
