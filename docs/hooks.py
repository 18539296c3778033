"""What MkDocs does not find in this folder: documents of the repository, pictures, and pages of public names.

- README, CONTRIBUTING, CHANGELOG and the leaderboards' README become pages, and links between them are turned
  into links between pages.
- ``<!-- facts: ID -->`` becomes an environment's picture, drawn now, and its spaces, asked of it now.
- Every public name of the package stands on one page of the API.
"""

from __future__ import annotations

import io
import posixpath
import re
from pathlib import Path
from typing import Any

import gymnasium
from mkdocs.structure.files import File, Files
from mkdocs.structure.nav import Link

import anymdp_bench
from anymdp_bench import kernels
from anymdp_bench.banks import BANKS
from anymdp_bench.leaderboard.site.build import build_site
from anymdp_bench.leaderboard.standings.load import load_standings

ROOT = Path(__file__).parent.parent
PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "leaderboards/README.md": "submissions.md",
    "CITATION.cff": "CITATION.cff",
    "LICENSE": "LICENSE",
    "baselines/tuned/model_based.json": "baselines/tuned/model_based.json",
    **{f"examples/{path.name}": f"examples/{path.name}" for path in sorted((ROOT / "examples").glob("*.py"))},
}
"""Page of each document outside this folder."""
BOARD = "board"
"""Folder of the built leaderboards."""
LINK = re.compile(r"(\]\()([^)#\s]+)([^)]*\))")
FACTS = re.compile(r"^<!-- facts: ([\w-]+) -->$", re.MULTILINE)
NOTEBOOK_LINK = re.compile(r'href="([\w-]+)\.ipynb"')
SEED, STEPS = 3, 3

API = {
    page: tuple(names.split())
    for page, names in {
        "tasks": "Task TabularTask build_task load_task sample_task sample_tasks Bank BANKS load_bank "
        "child_seed LEAST_RANKED_STATES",
        "environments": "batch_env task_of task_spec TrialEnv TrialVectorEnv OneHot OneHotVector Sb3VecEnv "
        "compiled_rows restart_row step_row",
        "planning": "plan greedy by_observation policy_value policy_return finite_horizon_optimum "
        "stationary_distribution References references ORACLE_DISCOUNT",
        "agents": "Agent AgentInfo Learner EpisodeLearner MarkovLearner CopyLearner Episodes SingleAgent "
        "SingleTask agent_table make_agent check_agent discrete_sizes",
        "contexts": "Context record_context record_episodes TEACHERS",
        "sequences": "SequenceBoard SEQUENCE_BOARDS SequenceModel Answers Segment evaluate_sequence "
        "SequenceResult load_sequence_result",
        "evaluation": "Board BOARDS get_board evaluate record_run Result load_result __version__",
    }.items()
}
"""Public names on each page of the API; errors have a page of their own."""
MORE = {
    "tasks": ("anymdp_bench.worlds.pendulum.task.PendulumTask", "anymdp_bench.tasks.tables.TaskTables"),
    "environments": (
        "anymdp_bench.envs.tabular.TabularEnv",
        "anymdp_bench.envs.base.BatchEnv",
        "anymdp_bench.envs.watched.WatchedVectorEnv",
        "anymdp_bench.envs.watched.StepBatch",
        "anymdp_bench.envs.rendering.tiles.tile",
        "anymdp_bench.envs.switch2.parallel_env",
    ),
    "planning": ("anymdp_bench.planning.figures.plot_task", "anymdp_bench.planning.diagnostics.diagnose"),
    "evaluation": ("anymdp_bench.evaluation.curves.plot_results", "anymdp_bench.evaluation.plots.plot_curve"),
}
"""Further names, by path, that users meet."""
INTRODUCED = {
    "kernels": "::: anymdp_bench.kernels\n    options: {members: false, show_root_heading: false, "
    "show_root_toc_entry: false, show_source: false}\n\n"
}
"""Pages that begin with their module's own documentation."""


def api_pages() -> dict[str, tuple[str, ...]]:
    """Dotted names on each page of the API."""
    errors = tuple(name for name in anymdp_bench.__all__ if _is_error(getattr(anymdp_bench, name)))
    pages = {page: tuple(f"anymdp_bench.{name}" for name in names) for page, names in API.items()}
    pages = {page: (*names, *MORE.get(page, ())) for page, names in pages.items()}
    pages["errors"] = tuple(f"anymdp_bench.{name}" for name in errors)
    pages["kernels"] = tuple(f"anymdp_bench.kernels.{name}" for name in kernels.__all__)
    return pages


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Exception)


def on_files(files: Files, config: Any) -> Files:
    """Add the documents outside this folder, the pictures and the pages of the API."""
    for source, page in PAGES.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        content = _with_page_links(text, posixpath.dirname(source)) if page.endswith(".md") else text
        files.append(File.generated(config, page, content=content))
    for page, names in api_pages().items():
        intro = INTRODUCED.get(page, "")
        content = f"# {page.capitalize()}\n\n{intro}" + "\n\n".join(f"::: {name}" for name in names)
        files.append(File.generated(config, f"api/{page}.md", content=content))
    files.append(File.generated(config, "api/index.md", content=_api_index()))
    for env_id in _ids():
        files.append(File.generated(config, f"environments/{env_id}.png", content=_picture(env_id)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Turn links to documents outside this folder into links to their pages, and fill in facts."""
    if page.file.generated_by is None:
        markdown = _with_page_links(markdown, "docs")
    return FACTS.sub(lambda match: _facts(match[1]), markdown)


def on_page_content(html: str, page: Any, config: Any, files: Any) -> str:
    """Turn links between notebooks, which work where files are browsed, into links between pages."""
    return NOTEBOOK_LINK.sub(r'href="../\1/"', html) if page.file.src_uri.endswith(".ipynb") else html


def on_nav(nav: Any, config: Any, files: Any) -> Any:
    """Link to the built board from the tab of the leaderboards."""
    (section,) = [item for item in nav.items if item.title == "Leaderboards"]
    section.children.append(Link("Rankings and curves", f"{BOARD}/index.html"))
    return nav


def on_post_build(config: Any) -> None:
    """Build the board beside the pages."""
    build_site(load_standings(ROOT / "leaderboards"), Path(config.site_dir) / BOARD, home="../")


def _ids() -> list[str]:
    return [entry.id for entry in anymdp_bench.envs.ENVS]


def _with_page_links(text: str, folder: str) -> str:
    """Rewrite links of a document in `folder` of the repository that lead to another page's document."""

    def page_of(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[2]))
        if ":" in match[2]:
            return match[0]
        if target in PAGES:
            return f"{match[1]}{PAGES[target]}{match[3]}"
        inside = target.removeprefix("docs/")
        return f"{match[1]}{inside}{match[3]}" if folder != "docs" else match[0]

    return LINK.sub(page_of, text)


def _api_index() -> str:
    """List every public name with the first line of its documentation."""
    lines = [
        "# API",
        "",
        "Names can be imported from `anymdp_bench`, compiled ones from `anymdp_bench.kernels`.",
        "",
    ]
    for page, names in api_pages().items():
        lines += [f"## {page.capitalize()}", ""]
        for name in names:
            lines.append(f"- [`{name.removeprefix('anymdp_bench.')}`]({page}.md#{name})")
        lines.append("")
    return "\n".join(lines)


def _picture(env_id: str) -> bytes:
    from PIL import Image

    env = gymnasium.make(env_id, render_mode="rgb_array")
    env.reset(seed=SEED)
    env.action_space.seed(SEED)
    for _ in range(STEPS):
        *_, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            break
    file = io.BytesIO()
    Image.fromarray(env.render()).save(file, "png", optimize=True)
    return file.getvalue()


def shown(space: gymnasium.Space[Any]) -> str:
    """A space in one line of a table; bounds of vectors fill many."""
    if isinstance(space, gymnasium.spaces.Box) and space.shape:
        return f"Box(shape={space.shape}, dtype={space.dtype})"
    return str(space)


def _facts(env_id: str) -> str:
    """Picture and table of an environment made with its defaults."""
    env = gymnasium.make(env_id)
    task = env.unwrapped.task
    horizon = f"{task.horizon} steps"
    if task.seed is not None:
        horizon += " (drawn with the task)"
    arguments = ", ".join(f"{name}={value!r}" for name, value in gymnasium.spec(env_id).kwargs.items())
    banks = [name for name in BANKS if name.split("-")[0] == task.family.replace("_", "-").split("-")[0]]
    rows = {
        "make": f'`gymnasium.make("anymdp_bench:{env_id}")`',
        "defaults": f"`{arguments}`",
        "observations": f"`{shown(env.observation_space)}`",
        "actions": f"`{shown(env.action_space)}`",
        "horizon": horizon,
        "banks": ", ".join(f"`{bank}`" for bank in banks) or "none",
    }
    table = "\n".join(f"| {key} | {value} |" for key, value in rows.items())
    return (
        '<div class="facts" markdown>\n'
        f"![An episode of {env_id} after a few steps]({env_id}.png)\n\n"
        f"| | |\n|---|---|\n{table}\n\n</div>"
    )
