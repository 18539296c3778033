"""Attacks on what a reader sees: text, links, names."""

from __future__ import annotations

from tests.support.hostile.parts import (
    TEXT_FIELDS,
    Parts,
    Random,
    insert,
)

INVISIBLE = (
    "\u202e\u202d\u2066\u2067\u200b\u200c\u200d\u2060\ufeff\u00ad\u0000\u001b\u0085\u2028\u2029\ud800\u0301"
)
SCRIPTS = ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</td><b>", "`x`", "<!--")
BAD_LINKS = (
    "javascript:alert(1)",
    "data:text/html,x",
    "http://example.org",
    "https://",
    "https://example.org:99999/",
    "https://a@b.org/",
    "https://[::1/",
    'https://example.org/"onmouseover="x',
    "https://example.org/\u202e",
    "file:///etc/passwd",
    "//example.org",
    "https://" + "a" * 300 + ".org",
)
BAD_NAMES = (
    "..",
    ".",
    "../x",
    "a/b",
    "/etc",
    "a\\b",
    "a--b",
    "-a",
    "a-",
    "A",
    "a b",
    "",
    "con.",
    "\u0430gent",
    "x" * 41,
)


def invisible_text(parts: Parts, rng: Random) -> None:
    field = str(rng.choice(TEXT_FIELDS))
    parts.values[field] = insert(
        parts.values[field] or "text", INVISIBLE[int(rng.integers(len(INVISIBLE)))], rng
    )


def right_to_left_text(parts: Parts, rng: Random) -> None:
    field = str(rng.choice(TEXT_FIELDS))
    letter = chr(
        int(rng.integers(0x05D0, 0x05EB)) if rng.random() < 0.5 else int(rng.integers(0x0628, 0x063B))
    )
    parts.values[field] = insert(parts.values[field] or "text", letter, rng)


def script_text(parts: Parts, rng: Random) -> None:
    field = str(rng.choice(TEXT_FIELDS))
    parts.values[field] = insert(parts.values[field] or "text", str(rng.choice(SCRIPTS)), rng)


def script_setting(parts: Parts, rng: Random) -> None:
    parts.values["agent"]["config"] = {"x": str(rng.choice(SCRIPTS))} if rng.random() < 0.5 else {"<b>": 1}


def bad_link(parts: Parts, rng: Random) -> None:
    parts.values[str(rng.choice(["url", "paper"]))] = str(rng.choice(BAD_LINKS))


def bad_name(parts: Parts, rng: Random) -> None:
    parts.values["name"] = str(rng.choice(BAD_NAMES))


def bad_entry_point(parts: Parts, rng: Random) -> None:
    parts.values["entry_point"] = str(
        rng.choice(["os.system('x')", "a:b:c", "../x:y", "a:", ":b", "a b:c", "__import__"])
    )


def bad_board_name(parts: Parts, rng: Random) -> None:
    parts.values["board"]["name"] = str(
        rng.choice(["../..", "/etc", "nope-v0", "tiny-online-v1", "\u202e", ""])
    )


def strange_text(parts: Parts, rng: Random) -> None:
    letters = [chr(int(code)) for code in rng.integers(1, 0xD7FF, int(rng.integers(1, 60)))]
    parts.values[str(rng.choice(TEXT_FIELDS))] = "".join(letters)
