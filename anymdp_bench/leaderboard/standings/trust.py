"""How far an entry can be trusted, whatever was played or read."""

from __future__ import annotations

from dataclasses import dataclass

from anymdp_bench.leaderboard.submissions.claims import Ownership
from anymdp_bench.leaderboard.submissions.metadata import Heading
from anymdp_bench.leaderboard.verification.findings import Findings, Needs
from anymdp_bench.leaderboard.verification.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """A submission, and what is known of it.

    Attributes:
        metadata: Who and what.
        board: Name of the board.
        findings: What verification found.
        needs: What it must find.
        older: What it found under the older rules; None where it did not, or the submission is newer.
        ownership: Whether the key that owns the name has signed it.
    """

    metadata: Heading
    board: str
    findings: Findings
    needs: Needs
    older: Verdict | None = None
    ownership: Ownership = "unclaimed"

    @property
    def name(self) -> str:
        """Key of the agent, the same on all boards."""
        return self.metadata.name

    @property
    def verified(self) -> bool:
        """Whether everything was found that must be, nothing against it, and a maintainer signed for it."""
        return self.findings.signer is not None and self.findings.holds(self.needs)

    @property
    def verified_before(self) -> bool:
        """Whether a part of it was played again under the older rules, and agreed."""
        return not self.verified and self.older is not None and self.older.verified

    @property
    def refuted(self) -> bool:
        """Whether a second run disagreed."""
        return self.findings.refuted or (self.older is not None and self.older.refuted)

    @property
    def fell(self) -> tuple[str, ...]:
        """On which tasks it does worse than chance explains: ``"renamed"``, ``"fresh"``."""
        before = self.older is not None and self.older.fresh is not None and self.older.fresh.fell
        return tuple(dict.fromkeys((*self.findings.fell, *["fresh"] * before)))

    @property
    def declared(self) -> tuple[str, ...]:
        """Words on what it is."""
        return ()

    @property
    def apart(self) -> str | None:
        """What it is that keeps it outside the ranking."""
        return None

    @property
    def outside(self) -> str | None:
        """Why it stands outside the ranking; None if it may be ranked."""
        if self.ownership == "foreign":
            return "foreign"
        if self.refuted:
            return "refuted"
        return "fell" if self.fell else self.apart

    @property
    def known(self) -> str:
        """``"verified"``, ``"consistent"`` (but for rounding elsewhere), ``"older rules"``, or neither."""
        if self.verified:
            return "consistent" if self.findings.consistent_shards else "verified"
        return "older rules" if self.verified_before else "unverified"

    @property
    def group(self) -> str:
        """`known`, or why it is outside."""
        return self.outside or self.known
