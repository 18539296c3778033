"""The command ``omnirl`` that is stopped from outside unwinds as it does on Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch")

from tests.cli.test_stopping import PATIENCE, ROOT, heed_every_signal, wait_until
from tests.omnirl.test_omnirl_cli import CONFIG


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_request_to_stop_unwinds(number: signal.Signals, tmp_path: Path) -> None:
    config, run, temporary = tmp_path / "tiny.json", tmp_path / "run", tmp_path / "tmp"
    temporary.mkdir()
    stages = [{"updates": 100_000}]
    config.write_text(json.dumps({**CONFIG, "stages": stages, "evaluate_every": 10**6, "validate_every": 0}))
    process = subprocess.Popen(
        [sys.executable, "-m", "omnirl_reference.cli", "train", str(config), "--out", str(run)],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(temporary), "PYTHONPATH": str(ROOT), "ANYMDP_BENCH_QUIET": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_every_signal,
    )
    try:
        assert wait_until(lambda: (run / "training.csv").is_file())
        time.sleep(0.2)
        process.send_signal(number)
        _, told = process.communicate(timeout=PATIENCE)
        assert process.returncode == 128 + number
        assert "Traceback" not in told
        assert [path for path in temporary.iterdir() if not path.name.startswith("torchinductor")] == []
        assert [path for path in run.rglob(".*") if path.is_file()] == []
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
