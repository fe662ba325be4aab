"""How many texts that hold a danger are raised, and how many ordinary ones: python
tests/corpus/report.py [--misses]

`written` was there while the words were chosen; `kept` was written by a reader who had not seen
them, and nothing was tuned on it. `fresh` was written by another, later, and `hard` by two more, a
third of it near misses on purpose: their lines were never looked at, their totals were. So were
those of `control`, before and after the words were last changed. With files as arguments, each line
of those is read as an ordinary text.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from caller_service.language.lexicons import read_combinations

FOLDER = Path(__file__).parent
HALVES = ("written", "kept", "fresh", "hard", "control")
PAGES = frozenset(
    (
        "overdose",
        "breathing",
        "suicide",
        "attempt",
        "violence",
        "weapon",
        "own_weapon",
        "place",
        "abuse",
        "hiding",
        "unsafe",
        "threat_staff",
    )
)


def texts(path: Path) -> Iterator[tuple[str, str]]:
    """Kind and text of each line."""
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, tab, text = line.partition("\t")
        yield (kind, text) if tab else ("ordinary", line)


def raised(text: str) -> bool:
    return not PAGES.isdisjoint(read_combinations().dangers(text))


def figures(path: Path) -> tuple[int, int, Counter[str], Counter[str]]:
    """How many of its texts are raised, of how many, and both by kind."""
    hit: Counter[str] = Counter()
    every: Counter[str] = Counter()
    for kind, text in texts(path):
        every[kind] += 1
        hit[kind] += raised(text)
    return sum(hit.values()), sum(every.values()), hit, every


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument(
        "--misses",
        action="store_true",
        help="print what was missed or raised in vain (never of the kept half)",
    )
    asked = parser.parse_args()
    paths = asked.files or [
        FOLDER / tag / f"{what}_{half}.tsv"
        for tag in ("en", "es")
        for half in HALVES
        for what in ("danger", "ordinary")
        if (FOLDER / tag / f"{what}_{half}.tsv").exists()
    ]
    for path in paths:
        hit, every, by_kind, all_kinds = figures(path)
        detail = "  ".join(
            f"{kind} {by_kind[kind]}/{all_kinds[kind]}" for kind in all_kinds if kind != "ordinary"
        )
        sys.stdout.write(
            f"{path.parent.name}/{path.name}: {hit} of {every} raised, "
            f"{100 * hit / max(1, every):.1f} %  {detail}\n"
        )
        if asked.misses and not path.stem.endswith(("_kept", "_fresh", "_hard", "_control")):
            for kind, text in texts(path):
                if raised(text) != (kind != "ordinary"):
                    sys.stdout.write(
                        f"    {kind}\t{text}\t{','.join(dict.fromkeys(read_combinations().dangers(text)))}\n"
                    )


if __name__ == "__main__":
    main()
