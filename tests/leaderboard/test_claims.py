"""Names belong to the key that signed them first: what counts, and every way to take one over."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anymdp_bench import evaluate
from anymdp_bench.cli.app import app
from anymdp_bench.foundation.errors import InvalidConfig, SubmissionRefused
from anymdp_bench.leaderboard.site.build import rows_of_agents
from anymdp_bench.leaderboard.site.entries import agent_view
from anymdp_bench.leaderboard.standings.load import load_standings
from anymdp_bench.leaderboard.standings.tables import tables
from anymdp_bench.leaderboard.submissions.claims import (
    NAMESPACE,
    OWNERS,
    SIGNATURE,
    check_claims,
    claim,
    read_owners,
    sign_entry,
)
from anymdp_bench.leaderboard.submissions.files import SUBMISSIONS
from anymdp_bench.leaderboard.submissions.signing import SIGNERS, public_half, signature_of
from anymdp_bench.leaderboard.submissions.submission import digest_of, read_submission
from tests.support.claimed import LARGE, SMALL, groups, refused, written
from tests.support.maintainer import allow, new_key


def test_the_first_signature_claims_a_name(root: Path, key: Path) -> None:
    assert read_owners(root) == {"mine": public_half(key)}
    assert groups(root) == {f"{SMALL}/mine": "verified"} and refused(root) == []
    assert "unclaimed" not in tables(load_standings(root))[f"{SMALL}.md"]


def test_an_unsigned_name_stays_unclaimed_and_says_so(tmp_path: Path) -> None:
    written(tmp_path)
    assert refused(tmp_path) == [] and read_owners(tmp_path) == {}
    standings = load_standings(tmp_path)
    assert "unverified, unclaimed name" in tables(standings)[f"{SMALL}.md"]
    (row,) = agent_view(rows_of_agents(standings)["mine"])["rows"]
    assert ("name", "unclaimed: no key owns it") in row["details"]


def test_a_claim_leaves_entries_as_they_are(tmp_path: Path, key: Path) -> None:
    folders = [written(tmp_path, board=board) for board in (SMALL, LARGE)]
    before = [digest_of(folder) for folder in folders]
    assert [digest_of(folder) for folder in folders] == [read_submission(f).digest for f in folders]
    assert [path.name for path in claim(tmp_path, "mine", key)] == [f"mine{SIGNATURE}"] * 2
    assert [digest_of(folder) for folder in folders] == before
    claim(tmp_path, "mine", key)  # once more changes nothing
    assert read_owners(tmp_path) == {"mine": public_half(key)} and refused(tmp_path) == []


def attack_without_a_key(root: Path, other: Path) -> None:
    written(root, board=LARGE)


def attack_with_another_key(root: Path, other: Path) -> None:
    folder = written(root, board=LARGE)
    statement = f"{NAMESPACE} {LARGE}/mine {digest_of(folder)}\n".encode()
    folder.with_name(f"mine{SIGNATURE}").write_bytes(signature_of(statement, other, NAMESPACE))


def attack_with_a_copied_signature(root: Path, other: Path) -> None:
    written(root, board=LARGE)
    shutil.copy(root / SUBMISSIONS / SMALL / f"mine{SIGNATURE}", root / SUBMISSIONS / LARGE)


def attack_with_a_signature_for_something_else(root: Path, other: Path) -> None:
    """The owner's key, for another purpose."""
    folder = written(root, board=LARGE)
    statement = f"{NAMESPACE} {LARGE}/mine {digest_of(folder)}\n".encode()
    signature = signature_of(statement, other.with_name("mine"), "git")
    folder.with_name(f"mine{SIGNATURE}").write_bytes(signature)


def attack_with_noise(root: Path, other: Path) -> None:
    written(root, board=LARGE).with_name(f"mine{SIGNATURE}").write_bytes(bytes(range(256)))


@pytest.mark.parametrize(
    "attack",
    [
        attack_without_a_key,
        attack_with_another_key,
        attack_with_a_copied_signature,
        attack_with_a_signature_for_something_else,
        attack_with_noise,
    ],
)
def test_nobody_else_enters_under_a_claimed_name(attack: object, root: Path, other: Path) -> None:
    attack(root, other)  # type: ignore[operator]
    assert groups(root) == {f"{SMALL}/mine": "verified", f"{LARGE}/mine": "foreign"}
    (text,) = refused(root)
    assert text == f"owner: {LARGE}/mine has no good signature by the key that claimed the name mine"
    page = tables(load_standings(root))[f"{LARGE}.md"]
    assert "**foreign**" in page and "not by its owner" in page


def test_what_is_edited_after_signing_is_nobodys(root: Path) -> None:
    path = root / SUBMISSIONS / SMALL / "mine" / "submission.json"
    path.write_text(path.read_text().replace("A. Nonymous", "M. Allory"))
    assert groups(root) == {f"{SMALL}/mine": "foreign"} and len(refused(root)) == 1


def test_a_foreign_entry_does_not_speak_for_the_owner(root: Path) -> None:
    written(root, board=LARGE, description="Bought by us", date="2026-02-01", url="https://example.org/x")
    standings = load_standings(root)
    assert agent_view(rows_of_agents(standings)["mine"])["agent"].description is None
    (total,) = standings.overall["in-context"]
    assert (total.rank, total.n_rows) == (1, 1)


def test_another_key_cannot_claim_or_sign(root: Path, other: Path) -> None:
    for attempt in (
        lambda: claim(root, "mine", other),
        lambda: sign_entry(root, root / SUBMISSIONS / SMALL / "mine", "0" * 64, other),
    ):
        with pytest.raises(SubmissionRefused, match="the name mine is claimed by another key"):
            attempt()
    assert groups(root) == {f"{SMALL}/mine": "verified"}


def test_claims_need_an_entry_and_a_key(root: Path, key: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match=r"no entry under .* has this name"):
        claim(root, "yours", key)
    with pytest.raises(InvalidConfig, match="is no name"):
        claim(root, "../mine", key)
    with pytest.raises(InvalidConfig, match=r"nothing\.pub is no public key: write it with `ssh-keygen -y"):
        claim(root, "mine", tmp_path / "nothing")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('* namespaces="anymdp-bench-entry" {key}', "is no claim"),
        ('mine,yours namespaces="anymdp-bench-entry" {key}', "is no claim"),
        ("mine {key}", "is no claim"),
        ('yours cert-authority,namespaces="anymdp-bench-entry" {key}', "is no claim"),
        ('mine namespaces="anymdp-bench-entry" {key}', "claims mine again"),
    ],
)
def test_a_line_of_the_owners_is_one_name_and_one_key(line: str, fault: str, root: Path, other: Path) -> None:
    with (root / OWNERS).open("a") as file:
        file.write(line.format(key=public_half(other)) + "\n")
    with pytest.raises(SubmissionRefused, match=f"owner: line 2 of owners {fault}"):
        load_standings(root)


def test_claims_do_not_change_and_are_not_made_over_others_heads(
    root: Path, other: Path, tmp_path: Path
) -> None:
    written(root, "old")
    before = tmp_path / "before"
    shutil.copytree(root, before)
    assert list(check_claims(before, root)) == []
    claim(root, "old", other)
    assert list(check_claims(before, root)) == ["owner: old had entries before: a maintainer claims it"]
    allow(before, other)
    allow(root, other)
    assert list(check_claims(before, root)) == []
    written(root, "new")
    claim(root, "new", new_key(tmp_path / "keys", "third"))
    assert list(check_claims(before, root)) == []
    (root / OWNERS).unlink()
    assert list(check_claims(before, root)) == ["owner: the claim of mine was taken away"]
    claim(root, "mine", other)
    assert list(check_claims(before, root)) == ["owner: the claim of mine was changed"]


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ('m namespaces="anymdp-bench-findings" {key}', True),
        ('m namespaces="a b",valid-before="20990101"  {key} key of ssh-rsa AAAA', True),
        ("m {key}", True),
        ("m {key}AAAA", False),
        ('m namespaces="anymdp-bench-findings" ssh-rsa AAAA was {key}', False),
        ("# m {key}", False),
    ],
)
def test_a_maintainers_key_is_a_whole_key(
    line: str, counts: bool, root: Path, before: Path, other: Path
) -> None:
    for folder in (before, root):
        written(folder, "old")
        with (folder / SIGNERS).open("a") as file:
            file.write(line.format(key=public_half(other)) + "\n")
    claim(root, "old", other)
    refusal = "owner: old had entries before: a maintainer claims it"
    assert list(check_claims(before, root)) == [refusal] * (not counts)


def test_a_fragment_of_a_maintainers_key_claims_nothing(root: Path, before: Path) -> None:
    for folder in (before, root):
        written(folder, "old")
    whole = (before / SIGNERS).read_text().split('" ')[1].strip()
    for fragment in (whole[:-1], whole[: len("ssh-ed25519 AAAA")]):
        shutil.copy(before / OWNERS, root / OWNERS)
        with (root / OWNERS).open("a") as file:
            file.write(f'old namespaces="{NAMESPACE}" {fragment}\n')
        assert list(check_claims(before, root)) == ["owner: old had entries before: a maintainer claims it"]


def test_the_commands_sign_refuse_and_show(tmp_path: Path, key: Path, other: Path) -> None:
    boards = tmp_path / "boards"
    for board in ("darkroom-6-v0", "darkroom-8-v0"):
        evaluate("uniform", board, out=tmp_path / board)
    runner = CliRunner()

    def call(*words: object) -> tuple[int, str]:
        done = runner.invoke(app, [*map(str, words), "--leaderboards", str(boards)])
        return done.exit_code, done.output

    def submit(board: str, *more: object) -> tuple[int, str]:
        return call("submit", tmp_path / board, "--name", "mine", "--agent", "uniform", *more)

    status, text = submit("darkroom-6-v0", "--key", key)
    assert status == 0 and f"{SMALL}/mine{SIGNATURE} " in text and OWNERS in text
    assert submit("darkroom-8-v0") == (
        2,
        "refused: owner: the name mine is claimed by a key; sign with it: --key, or choose another name\n",
    )
    status, text = submit("darkroom-8-v0", "--key", other)
    assert status == 2 and "this is another key" in text
    folder = boards / SUBMISSIONS / LARGE / "mine"
    assert not folder.exists()
    assert submit("darkroom-8-v0", "--key", key)[0] == 0
    assert call("board", "build", "--site", tmp_path / "site")[0] == 0
    assert call("board", "build", "--check") == (0, "6 tables are up to date.\n")
    folder.with_name(f"mine{SIGNATURE}").unlink()
    for words in (("board", "build", "--check"), ("board", "build", "--site", tmp_path / "site")):
        status, text = call(*words)
        assert status == 2 and f"refused: owner: {LARGE}/mine has no good signature" in text
    done = runner.invoke(app, ["verify", str(folder)])
    assert done.exit_code == 2 and "refused: owner" in done.output and "Now running" not in done.output
    assert call("board", "claim", "mine", "--key", other)[0] == 2
    assert call("board", "claim", "mine", "--key", key) == (0, "mine: 2 entries signed\n")
    assert call("board", "build", "--check", "--before", boards)[0] == 1  # stale


def test_a_new_entry_does_not_claim_what_others_have_entered(tmp_path: Path, key: Path) -> None:
    boards = tmp_path / "boards"
    written(boards, "mine", LARGE, title="mine", authors=None, url=None, entry_point="uniform")  # type: ignore[arg-type]
    evaluate("uniform", "darkroom-6-v0", out=tmp_path / "run")
    words = ["submit", str(tmp_path / "run"), "--name", "mine", "--agent", "uniform", "--key", str(key)]
    done = CliRunner().invoke(app, [*words, "--leaderboards", str(boards)])
    assert done.exit_code == 2
    assert f"mine stands on {LARGE} unclaimed; first `board claim mine`" in done.output
    assert not (boards / OWNERS).exists()
