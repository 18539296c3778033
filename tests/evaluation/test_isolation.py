"""Agents in processes of their own: the same bits, and walls that hold."""

from __future__ import annotations

import copy
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Discrete

from anymdp_bench import check_agent, evaluate
from anymdp_bench.agents.protocol import AgentInfo
from anymdp_bench.agents.registry import make_agent
from anymdp_bench.evaluation.isolation import trust
from anymdp_bench.evaluation.isolation.host import IsolatedAgent
from anymdp_bench.evaluation.isolation.process import Limits
from anymdp_bench.evaluation.isolation.settings import AgentSource
from anymdp_bench.evaluation.isolation.trust import walled_agent
from anymdp_bench.foundation.errors import AgentError, InvalidConfig
from tests.support.isolated import HERE

SHORT = {"n_tasks": 2, "context_episodes": 20, "train_episodes": 20, "test_every": 10}
QUICK = Limits(call_seconds=3)
CAP_SYS_PTRACE = 19
linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such walls")


def isolated(name: str, limits: Limits | None = None, **options: Any) -> IsolatedAgent:
    return IsolatedAgent(AgentSource(name=f"{HERE}:{name}", options=options), limits)


def assert_equal_play(isolated_agent: Any, agent: Any, board: str, **changes: Any) -> None:
    one, other = (evaluate(a, board, **SHORT | changes).record for a in (agent, isolated_agent))
    for left, right in zip(one.lived, other.lived, strict=True):
        assert left.tobytes() == right.tobytes()
    for name in set(one.points._fields) - {"seconds"}:
        assert getattr(one.points, name).tobytes() == getattr(other.points, name).tobytes(), name


@pytest.mark.parametrize(
    ("name", "board"),
    [
        ("Mixed", "anymdp-16x5-v0"),
        ("Mixed", "pendulum-g5-v0"),
        ("Mixed", "anypomdp-64x5-v0"),
        ("Mixed", "switch2-v0"),
        ("Mixed", "anymdp-16x5-offline-v0"),
        ("counting", "anymdp-16x5-v0"),
        ("MixedLearner", "darkroom-6-v0"),
        ("MixedTable", "garnet-16x5b2-v0"),
        ("MixedTable", "switch2-v0"),
        ("MixedTable", "cliffwalking-imitation-v0"),
    ],
)
def test_play_is_equal_to_the_bit(name: str, board: str) -> None:
    assert_equal_play(isolated(name), make_agent(f"{HERE}:{name}"), board, runs=2)


def test_several_tokens_and_workers() -> None:
    from anymdp_bench import sample_tasks

    tasks = sample_tasks("multi-token-anypomdp", 3, seed=1, n_states=64)
    agent = isolated("Mixed")
    assert_equal_play(agent, make_agent(f"{HERE}:Mixed"), "anymdp-16x5-v0", tasks=tasks, shard_size=2)
    one, two = (evaluate(agent, "anymdp-16x5-v0", **SHORT, shard_size=1, jobs=jobs).record for jobs in (1, 2))
    assert one.lived.rewards.tobytes() == two.lived.rewards.tobytes()


def test_a_compiled_learner_is_led_step_by_step() -> None:
    agent = IsolatedAgent(AgentSource(name="q-ucb", bank="anymdp-16x5-v0"))
    assert not hasattr(agent, "learn_episodes") and hasattr(agent, "policy_table")
    assert_equal_play(agent, make_agent("q-ucb", bank="anymdp-16x5-v0"), "anymdp-16x5-v0")


def test_it_declares_what_the_agent_declares() -> None:
    agent = isolated("Mixed")
    assert agent.info == AgentInfo(name="mixed", config={"size": 3, "share": 0.1, "note": "ü", "none": None})
    assert not any(hasattr(agent, name) for name in ("freeze", "policy_table"))
    for same in (copy.deepcopy(agent), pickle.loads(pickle.dumps(agent))):
        assert same.info == agent.info and same.description == agent.description


def test_isolated_agents_keep_the_rules() -> None:
    agent = isolated("Mixed")
    check_agent(agent)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("raise", r"'failing', tasks 0\.\.1, step 4, in act: ValueError: on purpose"),
        ("row", r"task 1, run 0, step 4, in act: row on purpose"),
        ("observe", r"step 4, in observe: ValueError: heard on purpose"),
        ("exit", r"step 4, in act: its process has ended \(exit status 0\)"),
        ("system-exit", r"in act: its process has ended \(exit status 0\)"),
        ("segfault", r"in act: its process has ended \(SIGSEGV"),
        ("hang", r"step 4, in act: its process has been silent for 3 s"),
        ("memory", r"in act: MemoryError|_ArrayMemoryError"),
        ("float", r"in act: answered float64 \(2,\); actions are integers \(2,\)"),
        ("shape", r"in act: answered int64 \(1,\)"),
        ("ragged", r"in act: ValueError"),
        ("range", r"task 0, run 0, step 4, in act: illegal actions: Action"),
    ],
)
def test_failures_name_task_and_step(how: str, message: str) -> None:
    agent = isolated("Failing", QUICK, how=how)
    with pytest.raises(AgentError, match=message):
        evaluate(agent, "anymdp-16x5-v0", **SHORT)


def test_what_an_agent_prints_is_not_shown(capfd: pytest.CaptureFixture[str]) -> None:
    evaluate(isolated("Failing", how="print"), "anymdp-16x5-v0", **SHORT)
    assert capfd.readouterr() == ("", "")


def test_agents_that_cannot_be_isolated() -> None:
    with pytest.raises(AgentError, match="'oracle' is privileged"):
        IsolatedAgent(AgentSource(name="oracle"))
    with pytest.raises(AgentError, match="cannot import 'no_such_module'"):
        IsolatedAgent(AgentSource(name="no_such_module:Agent"))
    with pytest.raises(AgentError, match="declares learner=True but has no freeze"):
        evaluate(isolated("Failing", how="no-freeze"), "anymdp-16x5-v0", **SHORT)
    with pytest.raises(InvalidConfig, match="call_seconds=0 is not legal"):
        Limits(call_seconds=0)


def workers_of(parent: int) -> list[int]:
    """Processes that serve a parent's agents."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_text()
            status = (folder / "stat").read_text()
        except OSError:
            continue
        if "isolation.worker" in command and f"\0{parent}\0" in command and ") Z" not in status:
            found.append(int(folder.name))
    return found


def test_no_process_is_left() -> None:
    agent = isolated("Mixed")
    evaluate(agent, "anymdp-16x5-v0", **SHORT)
    with pytest.raises(AgentError):
        evaluate(isolated("Failing", how="raise"), "anymdp-16x5-v0", **SHORT)
    assert workers_of(os.getpid()) == []


@pytest.mark.parametrize("how", ["hang", "idle"])
def test_workers_end_with_their_parent(how: str) -> None:
    code = (
        "import sys, time; from tests.evaluation.test_isolation import *\n"
        f"agent = isolated('Failing', how={how!r})\n"
        "import threading\n"
        "if 'idle' in sys.argv: agent._make(); print('up', flush=True); time.sleep(99)\n"
        "threading.Timer(2, lambda: print('up', flush=True)).start()\n"
        "evaluate(agent, 'anymdp-16x5-v0', **SHORT)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, how], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    assert parent.stdout.readline() == b"up\n"
    assert workers_of(parent.pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while workers_of(parent.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert workers_of(parent.pid) == []


def without_capabilities() -> list[str]:
    """Words before a command that is not to read every memory; empty if this process cannot either."""
    status = Path("/proc/self/status").read_text().partition("CapEff:")[2].split()[0]
    if not int(status, 16) >> CAP_SYS_PTRACE & 1:
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("this process has CAP_SYS_PTRACE, and there is no setpriv to drop it with")
    return ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"]


@linux
def test_an_agent_does_not_read_the_memory_of_the_evaluation() -> None:
    code = (
        "from gymnasium.spaces import Discrete; from tests.evaluation.test_isolation import *\n"
        "isolated('Peeking').begin(1, Discrete(3), Discrete(2), 1)\n"
    )
    words = [*without_capabilities(), sys.executable, "-c", code]
    answer = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1].startswith(
        "anymdp_bench.foundation.errors.AgentError: PermissionError: [Errno 13] Permission denied: '/proc/"
    )


def is_there(number: int) -> bool:
    return Path(f"/proc/{number}").exists()


def left_by(folder: Path) -> list[int]:
    """Processes that an agent has left, as soon as there are both."""
    files = [folder / "one.pid", folder / "two.pid"]
    deadline = time.monotonic() + 20
    while not all(file.exists() for file in files) and time.monotonic() < deadline:
        time.sleep(0.02)
    return [int(file.read_text()) for file in files]


@linux
def test_nothing_that_an_agent_has_left_outlives_it(tmp_path: Path) -> None:
    beside = subprocess.Popen(["sleep", "60"], start_new_session=True)
    below = subprocess.Popen(["sleep", "60"])
    other, agent = isolated("Mixed"), isolated("Leaving", where=str(tmp_path), seconds=2)
    for one in (other, agent):
        one.begin(1, Discrete(3), Discrete(2), 1)
    left = left_by(tmp_path)
    begun = time.monotonic()
    assert all(is_there(number) for number in left)
    agent.close()
    assert time.monotonic() - begun < 2
    assert not any(is_there(number) for number in left)  # waited for, too
    assert beside.poll() is None and below.poll() is None
    other.act(np.zeros(1, int), np.ones(1, bool))  # another agent lives on
    other.close()
    for process in (beside, below):
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert not list(tmp_path.glob("*.late"))


@linux
def test_what_an_agent_that_failed_has_left_ends_too(tmp_path: Path) -> None:
    agent = isolated("Leaving", where=str(tmp_path))
    agent.begin(1, Discrete(3), Discrete(2), 1)
    left = left_by(tmp_path)
    (worker,) = set(workers_of(os.getpid())) - set(left)
    os.kill(worker, signal.SIGKILL)
    with pytest.raises(AgentError, match=r"its process has ended \(SIGKILL\)"):
        agent.act(np.zeros(1, int), np.ones(1, bool))
    assert not any(is_there(number) for number in left)
    assert not list(tmp_path.glob("*.late")), "its end was only seen when they had ended"


def test_reference_agents_with_ways_of_their_own_stay_here(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kinds = {
        name: type(walled_agent(AgentSource(name=name, bank="anymdp-16x5-v0"))).__name__
        for name in ("oracle", "q-ucb", "uniform", "baselines.q_ucb.agent:make")
    }
    assert kinds == {
        "oracle": "Oracle",
        "q-ucb": "QUCB",
        "uniform": "IsolatedAgent",
        "baselines.q_ucb.agent:make": "IsolatedAgent",
    }
    monkeypatch.setattr(trust, "ROOT", tmp_path)
    assert not trust.is_reference("oracle")  # another package of the same name lies elsewhere
    with pytest.raises(AgentError, match="privileged"):
        walled_agent(AgentSource(name="oracle"))
