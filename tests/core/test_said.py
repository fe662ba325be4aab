"""Signs of danger, markers and wishes: each has its meaning, is named by code or by data, and no
unknown name is used."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import caller_service
from caller_service.core import reply
from caller_service.core import said as vocabulary
from caller_service.core.combinations import Combinations, Lexicon
from caller_service.core.protocol_check import SAID
from caller_service.core.reply import INQUIRIES, Wish
from caller_service.core.said import DANGER_KINDS, MARKERS, Said
from caller_service.language.lexicons import read_combinations

PACKAGE = Path(caller_service.__file__).parent
FILES = [path for path in PACKAGE.rglob("*.py") if path.name != "said.py"]
USED = "\n".join(path.read_text() for path in FILES)
PLAIN = {"PREGNANT", "THANKS"}  # the name is clear enough


@pytest.mark.parametrize("member", [*Said, *Wish], ids=repr)
def test_a_word_says_its_meaning_and_is_used(member: Said | Wish) -> None:
    source = vocabulary if isinstance(member, Said) else reply
    text = Path(str(source.__file__)).read_text()
    line = next(line for line in text.splitlines() if f"    {member.name} = " in line)
    assert member.name in PLAIN or re.search(r"# .{5,}", line), "it has no meaning"
    by_data = member in (*DANGER_KINDS, *MARKERS, *INQUIRIES)
    assert by_data or USED.count(f"{type(member).__name__}.{member.name}"), "nobody names it"


def test_the_kinds_of_danger_are_told_in_their_order() -> None:
    assert (Said.BREATHING, Said.THREAT_STAFF) == (DANGER_KINDS[0], DANGER_KINDS[-1])
    assert not {*DANGER_KINDS} & {*MARKERS, *SAID}


def test_word_data_with_an_unknown_name_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for section, name in (("dangers", "wepon"), ("markers", "minro"), ("wishes", "persn")):
        file = tmp_path / "en" / "speech.toml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f'[{section}]\n{name} = ["word"]\n')
        monkeypatch.setattr("caller_service.language.lexicons.folder", lambda _: tmp_path)
        with pytest.raises(ValueError, match=f"{section}.*{name}"):
            read_combinations.__wrapped__()


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("((the (interview|test))", "nested too deep"),
        ("(the (interview|test)", "not closed"),
        ("(a|b)) c", "closes nothing"),
        ("(a|b (c|d (e|f)))", "nested too deep"),
        ("<danger! x", "belongs to nothing"),
        ("(a||b)", "empty"),
        ("<nowhere> x", "no class is called 'nowhere'"),
    ],
)
def test_a_form_that_would_be_read_as_something_else_is_named_by_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str, why: str
) -> None:
    file = tmp_path / "xx" / "speech.toml"
    file.parent.mkdir()
    file.write_text(f'[words]\ngood = ["(a|b)"]\n\nbad = [\n  "fine",\n  "{entry}",\n]\n')
    monkeypatch.setattr("caller_service.language.lexicons.folder", lambda _: tmp_path)
    with pytest.raises(ValueError, match=rf"^xx/speech\.toml, line 6: .*{why}"):
        read_combinations.__wrapped__()


@pytest.mark.parametrize(
    "entry", ["!!landlord <a>", "((a|b) c)", "<a> (b (c|d))", "<a> <B>", "<b>"]
)
def test_a_combination_that_would_be_read_as_something_else_is_named_by_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: str
) -> None:
    file = tmp_path / "xx" / "speech.toml"
    file.parent.mkdir()
    long = entry.replace(" ", " \\\n    ", 1)  # wrapped as long entries are
    file.write_text(
        f'[words]\na = ["x"]\n[dangers]\nweapon = [\n  "<a> (b|c)",\n  """{long}""",\n]\n'
    )
    monkeypatch.setattr("caller_service.language.lexicons.folder", lambda _: tmp_path)
    with pytest.raises(ValueError, match=r"^xx/speech\.toml, line 6: "):
        read_combinations.__wrapped__()


def test_a_choice_inside_a_choice_is_read_as_written() -> None:
    form = "(ill be|be|coming|see (you|u)) (home|back (soon|now))"
    words = Lexicon(
        {"home": (form,), "both": ("<home> (ok|(very|so) good)",)},
        {"dangers": (("x", "<home>"), ("y", "<both>"))},
    )
    found = Combinations([words])

    for said in ("ill be home", "coming back soon", "see u back now"):
        assert found.kinds(said.split()) == ("x",), said
        assert found.kinds([*said.split(), "so", "good"]) == ("x", "y")
    for said in ("be", "coming", "see you", "ok", "home", "very good"):
        assert found.kinds(said.split()) == (), said


def _constants(node: ast.AST) -> set[str]:
    return {
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_such_word_is_written_as_a_string(path: Path) -> None:
    """A typo in a string gives a rule that never fires; a typo in an enum member fails at
    import."""
    bag = re.compile(r"(.*\.)?(said|wishes|kinds|about)")
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
        elif isinstance(node, ast.BinOp):
            sides = [node.left, node.right]
        elif isinstance(node, ast.AugAssign):
            sides = [node.target, node.value]
        else:
            continue
        if any(bag.fullmatch(ast.unparse(each)) for each in sides):
            assert not set().union(*map(_constants, sides)) & {*Said, *Wish}, node.lineno
