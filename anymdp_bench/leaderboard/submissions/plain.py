"""Text and links of strangers: plain, short, and the same to every reader."""

from __future__ import annotations

import functools
import re
import unicodedata
from urllib.parse import urlsplit

from anymdp_bench.leaderboard.submissions.problems import shown

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_SLUG = 40
LONGEST_LINK = 200
HOST = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")
LINK_REST = re.compile(r"[A-Za-z0-9._~/?#&=%+,:@-]*")
HIDDEN = {
    "Cc": "a control character",
    "Cf": "an invisible formatting character",
    "Cn": "an unassigned character",
    "Co": "a private character",
    "Cs": "half a surrogate pair",
    "Me": "an enclosing mark",
    "Mn": "a combining mark",
    "Zl": "a line break",
    "Zp": "a line break",
}
"""Unicode categories that readers cannot see or that change their neighbours."""
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(10))}
"""Names that are devices on some systems, with any ending."""
CLAIMS = ("verified", "official")
"""Words that nobody says of an own entry: they are for others to say."""
CHECK_MARK = re.compile(r"\bCHECK\b|ROOT$")
"""In the name of a sign that is read as "checked", such as that of a square root."""
FOLDED: dict[int, int | str] = {**str.maketrans("0135|i", "olesll"), ord("w"): "vv", ord("m"): "rn"}
"""Digits and signs that are read as letters, and letters that are read as two others."""
FOLDED_IN_CLAIMS = str.maketrans("478", "atb")
"""Further digits that spell a word, but tell titles apart."""
SMALL_CAPITAL = re.compile(r"LATIN LETTER SMALL CAPITAL (\w)$")
"""Name of a letter that the table of confusables calls like none of ASCII."""
RIGHT_TO_LEFT = {"R", "AL", "AN"}
MARKUP = "<>`"


def check_slug(value: str) -> str:
    """Return `value` if it can name a folder on every system.

    Raises:
        ValueError: saying what a name is made of.
    """
    if len(value) > LONGEST_SLUG or not SLUG.fullmatch(value):
        raise ValueError(
            f"{shown(value)} is no name: use lower-case letters, digits and single hyphens, "
            f"at most {LONGEST_SLUG} characters"
        )
    if value in RESERVED:
        raise ValueError(f"{shown(value)} is the name of a device on some systems: take another")
    return value


def check_text(value: str, longest: int) -> str:
    """Return `value` if it is one plain line of at most `longest` characters.

    Raises:
        ValueError: naming the first character or property at fault.
    """
    if not 0 < len(value) <= longest:
        raise ValueError(f"has {len(value)} characters: give 1 to {longest}")
    for character in value:
        _check_character(character)
    if value != value.strip() or "  " in value:
        raise ValueError(f"{shown(value)}: leave out spaces at the ends and double spaces")
    plain = unicodedata.normalize("NFKC", value)
    if plain != value:
        raise ValueError(f"{shown(value)} has look-alike characters: write {shown(plain)}")
    return value


def check_own_words(value: str, longest: int) -> str:
    """Return `value` if it is a plain line that claims nothing.

    Raises:
        ValueError: naming the first character or property at fault, or the claims.
    """
    check_text(value, longest)
    _refuse_claims(value)
    return value


def check_title(value: str, longest: int) -> str:
    """Return `value` if it is a plain line whose letters are Latin, and claims nothing.

    Letters of other scripts look like Latin ones, and signs look like marks of the board.

    Raises:
        ValueError: naming the first character or property at fault.
    """
    check_text(value, longest)
    for character in value:
        kind = unicodedata.category(character)
        name = unicodedata.name(character, "")
        latin = name.startswith("LATIN ") and "LETTER" in name
        sign = kind in ("So", "Sk", "No") or (kind == "Sm" and not character.isascii())
        if (kind.startswith("L") and not latin) or sign:
            raise ValueError(f"holds U+{ord(character):04X}: letters of a title are Latin, signs are plain")
    _refuse_claims(value)
    if not looks_like(value):
        raise ValueError(f"{shown(value)} has no letter and no digit")
    return value


def looks_like(title: str) -> str:
    """What is seen of a title at a glance: letters of ASCII wherever a character resembles some.

    References:
        Unicode Technical Standard 39, confusables.txt, as packaged in ``confusable-homoglyphs``.
    """
    return "".join(map(_seen, unicodedata.normalize("NFKD", title))).translate(FOLDED)


@functools.cache
def _seen(character: str) -> str:
    """Letters and digits of ASCII that a character resembles; itself where there are none."""
    from confusable_homoglyphs.confusables import confusables_data

    for form in (character, character.casefold(), character.upper()):
        alike = [form, *(found["c"] for found in confusables_data.get(form, ()))]
        alike += SMALL_CAPITAL.findall(unicodedata.name(form[0], ""))
        for text in map(_bare, alike):
            if text and text.isascii():
                return text
    return _bare(character)


def _bare(text: str) -> str:
    """Letters and digits without accents, strokes and case."""
    return "".join(c for c in unicodedata.normalize("NFKD", text).casefold() if c.isalnum())


def _refuse_claims(value: str) -> None:
    for character in value:
        if CHECK_MARK.search(unicodedata.name(character, "")):
            raise ValueError(f"holds a check mark (U+{ord(character):04X}): leave that to the board")
    seen = looks_like(value).translate(FOLDED_IN_CLAIMS)
    if any(looks_like(word) in seen for word in CLAIMS):
        raise ValueError(
            f"{shown(value)} holds one of {', '.join(CLAIMS)}, or what looks like it: leave that to the board"
        )


def _check_character(character: str) -> None:
    kind = unicodedata.category(character)
    name = f"U+{ord(character):04X}"
    if kind in HIDDEN:
        raise ValueError(f"holds {HIDDEN[kind]} ({name}): leave it out")
    if unicodedata.bidirectional(character) in RIGHT_TO_LEFT:
        raise ValueError(f"holds a right-to-left character ({name}): give a transcription")
    if character in MARKUP:
        raise ValueError(f"holds {character!r}: markup is not shown, write plain text")
    if kind == "Zs" and character != " ":
        raise ValueError(f"holds an unusual space ({name}): use the plain one")


def check_link(value: str) -> str:
    """Return `value` if it is a plain https address.

    Raises:
        ValueError: saying what an address looks like.
    """
    legal = f"give https://host/path in plain ASCII, at most {LONGEST_LINK} characters"
    if len(value) > LONGEST_LINK or not value.startswith("https://"):
        raise ValueError(f"{shown(value)}: {legal}")
    try:
        parts = urlsplit(value)
    except ValueError as error:
        raise ValueError(f"{shown(value)}: {legal}") from error
    rest = value.removeprefix("https://").removeprefix(parts.netloc)
    if not HOST.fullmatch(parts.netloc.lower()) or not LINK_REST.fullmatch(rest):
        raise ValueError(f"{shown(value)}: {legal}, without user, port or quotes")
    return value
