"""The `caller-service` command reports all faults at once, in plain words, with an exit code; never
a traceback."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result
from flask import Flask
from running import (
    COMMAND,
    PACKAGE,
    STARTED,
    Running,
    answers,
    clean_environment,
    command,
    connected,
    free_port,
    is_free,
    until,
)

import caller_service
from caller_service.app import build
from caller_service.commands.database_fault import database_fault
from caller_service.commands.main import main
from caller_service.config.settings import Settings
from caller_service.core.program import Program

PROTOCOL = PACKAGE / "protocols" / "safety_screen_2.toml"
CITY = PACKAGE / "programs" / "rehearsal"


def every_command(
    group: click.Group = main, before: tuple[str, ...] = ()
) -> Iterator[tuple[str, ...]]:
    """The words of every command and group."""
    yield before
    for name, one in group.commands.items():
        yield from (
            every_command(one, (*before, name))
            if isinstance(one, click.Group)
            else [(*before, name)]
        )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder for commands that run in this process, with a clean environment."""
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - set(clean_environment()):
        monkeypatch.delenv(name)
    return tmp_path


@pytest.fixture(autouse=True)
def apps(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Flask]]:
    """The apps that commands create in this process; their connections are closed at the end."""
    made: list[Flask] = []

    def made_and_noted(settings: Settings, program: Program | None = None) -> Flask:
        made.append(build(settings, program))
        return made[-1]

    monkeypatch.setattr(caller_service, "create_app", made_and_noted)
    yield made
    for app in made:
        app.extensions["caller_parts"].engine.dispose()


@pytest.fixture(scope="module")
def first_migration(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a migrated database."""
    place = tmp_path_factory.mktemp("migrated")
    ended = command(place, "migrate")
    assert (
        ended.returncode == 0 and ended.stdout == f"migrated sqlite:///{place}/var/caller.sqlite\n"
    ), ended.stderr
    return place


@pytest.fixture
def migrated(first_migration: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, for commands in this process."""
    monkeypatch.chdir(first_migration)
    return first_migration


def ran(*words: str, said: str = "") -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, list(words), input=said)


def refused(ended: Result | subprocess.CompletedProcess[str], *faults: str) -> None:
    """Exit code 1, each fault named, no traceback, nothing on standard output."""
    code = ended.exit_code if isinstance(ended, Result) else ended.returncode
    said = ended.stderr.strip().splitlines()[-1:]
    assert not [line for line in ended.stderr.splitlines() if line.startswith("Traceback")], (
        f"{ended.args if not isinstance(ended, Result) else ''} {said}"
    )
    if isinstance(ended, Result):
        assert isinstance(ended.exception, SystemExit), repr(ended.exception)
    assert code == 1, said
    missing = [fault for fault in faults if fault not in ended.stderr]
    assert not missing, ended.stderr


# ---- help ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words", list(every_command()), ids=lambda words: " ".join(words) or "caller-service"
)
def test_every_command_explains_itself(words: tuple[str, ...]) -> None:
    for flag in ("--help", "-h"):
        ended = ran(*words, flag)
        assert ended.exit_code == 0 and "Usage:" in ended.stdout
        explained = ended.stdout.split("\n\n")[1].strip()
        assert explained and not explained.startswith("Options:"), "says in a sentence what it does"


def test_every_promised_command_is_there() -> None:
    there = {" ".join(words) for words in every_command()}
    promised = {
        "rehearse",
        "serve",
        "work",
        "migrate",
        "check",
        "protocol check",
        "protocol table",
        "talk",
        "person add",
        "hand-off list",
    }
    assert promised | {"hand-off replay", "token add", "token list", "token revoke"} <= there


def test_wrong_use_is_told_apart_by_its_exit_code(folder: Path) -> None:
    for words in (
        ("dance",),
        ("protocol", "check"),
        ("protocol", "check", "not-there.toml"),
        ("person", "add", "Ana", "--role", "chef"),
    ):
        ended = ran(*words)
        assert ended.exit_code == 2 and "Usage:" in ended.stderr


def test_the_version_is_told() -> None:
    assert re.search(r"version \d+\.\d+\.\d+", ran("--version").stdout)


# ---- the protocol --------------------------------------------------------------------------------


def test_a_sound_protocol_is_called_sound_with_its_hash() -> None:
    ended = ran("protocol", "check", str(PROTOCOL))
    assert ended.exit_code == 0 and re.fullmatch(
        r"safety_screen 2: sound\. \d+ questions, \d+ rules\. Hash [0-9a-f]{64}\nCommon path: 8 "
        r"answers until the hand-off: who, .*\n",
        ended.stdout,
    )


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        (
            {
                'level = "R1"': 'level = "R9"',
                "unreadable_limit = 3": "unreadable_limit = 99",
                'say = "level.soon"': "say = 7",
            },
            ("R9", "unreadable_limit", "say"),
        ),
        (
            {'id = "suicide"': 'id = "sadness"', 'kind = "place"': 'kind = "palace"'},
            ('"suicide" is missing', "palace"),
        ),
    ],
    ids=["how it is written", "what it says"],
)
def test_every_fault_of_a_protocol_is_named_at_once(
    changes: dict[str, str], faults: tuple[str, ...], tmp_path: Path
) -> None:
    words = PROTOCOL.read_text(encoding="utf-8")
    for this, that in changes.items():
        assert this in words
        words = words.replace(this, that, 1)
    broken = tmp_path / "broken.toml"
    broken.write_text(words, encoding="utf-8")
    for asked in ("check", "table"):
        refused(ran("protocol", asked, str(broken)), *faults)


def test_a_file_that_is_no_protocol_is_refused(tmp_path: Path) -> None:
    for noise in (b"\xff\xfe = [", b"", b"protocol = 7", b"[protocol]\nid = 3"):
        (tmp_path / "noise.toml").write_bytes(noise)
        refused(ran("protocol", "check", str(tmp_path / "noise.toml")), "noise.toml")


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Who needs help?"), ("es", "¿Quién necesita ayuda?")]
)
def test_a_protocol_prints_as_a_document(language: str, words: str) -> None:
    ended = ran("protocol", "table", str(PROTOCOL), "--language", language)
    assert ended.exit_code == 0 and words in ended.stdout and "Hash: `" in ended.stdout
    assert not re.findall(r"\b(?:ask|choice)\.[a-z_.]+", ended.stdout), "keys without words"


def test_a_language_that_is_not_shipped_is_refused(folder: Path) -> None:
    refused(ran("protocol", "table", str(PROTOCOL), "--language", "xx"), "xx")
    refused(ran("talk", "--language", "xx"), "xx", "en, es")


# ---- talk ----------------------------------------------------------------------------------------

CONVERSATION = (
    "my brother is seeing things and shouting",
    "3",
    "2",
    "2",
    "2",
    "1",
    "1",
    "Main St & 3rd Ave",
    "2",
    "2",
    "1",
)


def test_talk_plays_a_conversation_and_keeps_it(folder: Path) -> None:
    ended = ran("talk", "--keep", "kept.txt", said="\n".join(CONVERSATION) + "\n")
    assert ended.exit_code == 0, ended.stderr
    kept = (folder / "kept.txt").read_text(encoding="utf-8")
    assert kept.startswith("protocol: safety_screen 2\n")
    assert [line[2:] for line in kept.splitlines() if line.startswith("> ")] == list(CONVERSATION)
    for words in ("Who needs help?", "! hand_off (screened)", "= handed_off R3"):
        assert words in ended.stdout and words in kept
    assert [path.name for path in folder.iterdir() if path.name != "var"] == ["kept.txt"], (
        "nothing else is kept"
    )


def test_talk_in_spanish_and_without_a_word(folder: Path) -> None:
    assert "¿Quién necesita ayuda?" in ran("talk", "--language", "es", said="hola\n").stdout
    silent = ran("talk", said="")
    assert silent.exit_code == 0 and "Ctrl-D ends" in silent.stdout


def test_talk_calls_the_program_and_keeps_the_call(folder: Path) -> None:
    ended = ran("talk", "--channel", "voice", "--keep", "kept.txt", said="1\n2\n\nhelp me\nh\n")

    assert ended.exit_code == 0, ended.stdout
    assert "cut off" not in ended.stdout  # every line is spoken to its end before a key is expected
    assert "[en-US] Is this about you?" in ended.stdout
    assert "[en-US] Are you badly hurt" in ended.stdout
    kept = Path("kept.txt").read_text()
    assert "\n> 1\n" in kept and '\n> "help me"\n' in kept
    assert kept.endswith("- ended completed\n")
    assert [] == list(Path().rglob("*.sqlite*"))  # its database is deleted


def test_a_call_in_the_terminal_has_no_language_of_its_own(folder: Path) -> None:
    refused(ran("talk", "--channel", "voice", "--language", "es"), "its keys change it")


def test_talk_presses_the_form_and_keeps_it(folder: Path) -> None:
    pressed = ["1", "2", "2", "2", "1", "1", "Main St and 3rd Ave", "1", "the door is blue", "b"]
    ended = ran("talk", "--channel", "web", "--keep", "kept.txt", said="\n".join(pressed) + "\n")
    assert ended.exit_code == 0, ended.stderr
    kept = (folder / "kept.txt").read_text()
    assert "  1 Me\n" in kept and "  1 Yes\n" in kept and "> the door is blue\n" in kept
    assert "= handed_off R4" in kept and "Nobody has taken it yet." in kept

    danger = ran("talk", "--channel", "web", "--language", "es", said="1\n1\n")
    assert "! paged" in danger.stdout and "= handed_off R1" in danger.stdout
    assert "911" in danger.stdout and "¿Quién necesita ayuda?" in danger.stdout
    refused(ran("talk", "--channel", "web", "--language", "xx"), "en, es")


def test_talk_reads_whatever_is_typed(tmp_path: Path) -> None:
    asked = [*COMMAND, "talk"]
    said = b"hello\n\xff\xfe\x00\n\x1b[31m\n" + b"x" * 10_000 + b"\n"
    ended = subprocess.run(
        asked,
        cwd=tmp_path,
        env=clean_environment(),
        input=said,
        capture_output=True,
        timeout=STARTED,
        check=False,
    )
    assert ended.returncode == 0 and b"Traceback" not in ended.stderr, ended.stderr


@pytest.mark.parametrize("channel", ["sms", "voice", "web"])
def test_talk_says_that_it_cannot_keep_a_transcript_before_it_begins(
    folder: Path, channel: str
) -> None:
    kept = "no/such/folder/kept.txt"
    ended = ran("talk", "--channel", channel, "--keep", kept, said="hello\n")
    refused(ended, kept)
    assert not ended.stdout


# ---- settings and program ------------------------------------------------------------------------


def test_every_wrong_setting_is_named_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = {
        "CALLER_BIND": "everywhere",
        "CALLER_DATABASE_URL": "mysql://x/y",
        "CALLER_PUBLIC_URL": "ftp://x",
        "CALLER_TRUSTED_PROXIES": "many",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    for words in (
        ("check",),
        ("serve",),
        ("work",),
        ("migrate",),
        ("talk",),
        ("rehearse",),
        ("token", "add", "x"),
        ("hand-off", "list"),
    ):
        refused(ran(*words), *wrong)


def test_live_without_anything_names_all_that_is_missing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLER_MODE", "live")
    needed = (
        "CALLER_PROGRAM",
        "CALLER_DATABASE_URL",
        "CALLER_SECRET_KEY",
        "CALLER_DATA_KEYS",
        "TWILIO_AUTH_TOKEN",
        "CALLER_METRICS_TOKEN",
    )
    for words in (("check",), ("serve",), ("work",)):
        refused(ran(*words), *needed)


def test_a_secret_that_would_sign_with_another_key_is_named_in_plain_words(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REHEARSAL_CAD_SECRET", "v1,whsec_" + "QUJD" * 11)
    for words in (("check",), ("serve",), ("work",)):
        refused(
            ran(*words),
            'destination "rehearsal-cad": REHEARSAL_CAD_SECRET begins with "v1,": leave that out',
        )


@pytest.fixture
def wrong_program(tmp_path: Path) -> Path:
    """A program with three faults, each in another file."""
    place = tmp_path / "programs" / "wrong"
    place.mkdir(parents=True)
    for file in ("areas.geojson", "places.csv"):
        (place / file).write_bytes((CITY / file).read_bytes())
    (tmp_path / "protocols").mkdir()
    (tmp_path / "protocols" / PROTOCOL.name).write_bytes(PROTOCOL.read_bytes())
    words = (CITY / "program.toml").read_text(encoding="utf-8")
    words = (
        words.replace("America/Denver", "America/Atlantis")
        .replace("read = 3", "read = 0.5")
        .replace('number = "+17205550130"', 'number = "911"')
    )
    (place / "program.toml").write_text(words, encoding="utf-8")
    return place / "program.toml"


@pytest.mark.parametrize(
    "words",
    [
        ("check",),
        ("serve",),
        ("work",),
        ("migrate",),
        ("talk",),
        ("rehearse", "--port", "0"),
        ("person", "add", "A", "--role", "analyst"),
    ],
)
def test_every_fault_of_a_program_is_named_at_once(
    words: tuple[str, ...], wrong_program: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLER_PROGRAM", str(wrong_program))
    if words[0] == "rehearse":
        words = ("rehearse", "--port", str(free_port(10, 20)))
    refused(ran(*words), "America/Atlantis", "read", "911")


@pytest.fixture
def own_city(tmp_path: Path) -> Path:
    """A copy of the rehearsal city, for tests to change."""
    place = tmp_path / "programs" / "own"
    shutil.copytree(CITY, place)
    (tmp_path / "protocols").mkdir()
    (tmp_path / "protocols" / PROTOCOL.name).write_bytes(PROTOCOL.read_bytes())
    return place


def with_areas(city: Path, change: Callable[[list[dict[str, Any]]], object]) -> None:
    file = city / "areas.geojson"
    read = json.loads(file.read_text(encoding="utf-8"))
    change(read["features"])
    file.write_text(json.dumps(read), encoding="utf-8")


def test_check_notes_areas_that_overlap_and_names_both(
    migrated: Path, own_city: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def citywide(areas: list[dict[str, Any]]) -> None:
        ring = [[-105.1, 39.6], [-104.8, 39.6], [-104.8, 39.8], [-105.1, 39.8], [-105.1, 39.6]]
        whole = json.loads(json.dumps(areas[0]))
        whole["properties"] |= {"id": "citywide", "name": "Citywide"}
        whole["properties"]["live_from"] = None
        whole["geometry"] = {"type": "Polygon", "coordinates": [ring]}
        areas.insert(0, whole)

    monkeypatch.setenv("CALLER_PROGRAM", str(own_city / "program.toml"))
    assert "overlap" not in ran("check").stdout
    with_areas(own_city, citywide)
    ended = ran("check")
    assert ended.exit_code == 0, ended.stderr
    assert "note: areas citywide and central overlap: there the first that is live" in ended.stdout


def test_check_notes_areas_without_a_line_of_their_psap(
    migrated: Path, own_city: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = own_city / "program.toml"
    monkeypatch.setenv("CALLER_PROGRAM", str(file))
    assert "psap" not in ran("check").stdout.lower()
    words = file.read_text(encoding="utf-8")
    file.write_text(words.replace('psap = "+17205550110"', 'psap = "+1911"'), encoding="utf-8")
    assert "numbers.psap" in ran("check").stderr  # never a number that software must not call
    file.write_text(words.replace('psap = "+17205550110"\n', ""), encoding="utf-8")
    with_areas(own_city, lambda areas: [each["properties"].pop("psap", None) for each in areas])
    ended = ran("check")
    assert ended.exit_code == 0, ended.stderr
    assert "note: area central: no ten-digit line of its PSAP is set" in ended.stdout


def test_check_notes_a_name_that_makes_the_greeting_too_long(
    migrated: Path, own_city: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = own_city / "program.toml"
    monkeypatch.setenv("CALLER_PROGRAM", str(file))
    assert "greeting" not in ran("check").stdout
    words = file.read_text(encoding="utf-8")
    long = "The City and County of Fairhaven Community Behavioral Health Crisis Response Care Line"
    file.write_text(words.replace('"Fairhaven Care Line"', f'"{long}"'), encoding="utf-8")
    ended = ran("check")
    assert ended.exit_code == 0, ended.stderr
    for tag in ("en", "es"):
        assert re.search(
            rf"note: language {tag}: the greeting of a call takes 1\d\.\d s, more than 14 s",
            ended.stdout,
        )


def test_check_and_serve_refuse_an_area_whose_ring_crosses_itself(
    migrated: Path, own_city: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bow(areas: list[dict[str, Any]]) -> None:
        x, y = areas[0]["geometry"]["coordinates"][0][0][:2]
        corners = [[x, y], [x + 0.01, y + 0.01], [x + 0.01, y], [x, y + 0.01], [x, y]]
        areas[0]["geometry"] = {"type": "Polygon", "coordinates": [corners]}

    with_areas(own_city, bow)
    monkeypatch.setenv("CALLER_PROGRAM", str(own_city / "program.toml"))
    for words in ("check", "serve", "migrate"):
        refused(ran(words), "areas.geojson", "Self-intersection")


# ---- a missing database --------------------------------------------------------------------------

AWAY = f"postgresql://nobody:hunter2@127.0.0.1:{free_port()}/none"
ON_A_DATABASE = [
    ("hand-off", "list"), ("hand-off", "replay", "--all"), ("token", "add", "console"),
    ("token", "list"), ("token", "revoke", "x"), ("person", "add", "A", "--role", "analyst"), ("check",), ("work",),
]  # fmt: skip


@pytest.mark.parametrize("words", ON_A_DATABASE, ids=" ".join)
def test_a_database_without_tables_asks_to_be_migrated(
    words: tuple[str, ...], folder: Path
) -> None:
    (folder / "var").mkdir()
    refused(
        command(folder, *words) if words == ("work",) else ran(*words), "caller-service migrate"
    )


@pytest.mark.parametrize("words", [*ON_A_DATABASE, ("migrate",)], ids=" ".join)
def test_a_database_server_that_is_away_is_said_plainly(
    words: tuple[str, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CALLER_DATABASE_URL", AWAY)
    ended = (
        command(folder, *words, environment=clean_environment(CALLER_DATABASE_URL=AWAY))
        if words == ("work",)
        else ran(*words)
    )
    refused(ended, "CALLER_DATABASE_URL: nothing answers at its host and port")
    assert "hunter2" not in ended.stderr + ended.stdout
    assert "caller-service migrate" not in ended.stderr, "it would help nothing"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"database": "nowhere"}, "has no such database; create it first"),
        ({"username": "nobody_here"}, "has no such user"),
        ({"query": {"sslmode": "on"}}, "there is no such sslmode"),
        ({"query": {"sslmod": "require"}}, "no option of PostgreSQL"),
        ({"query": {"host": "/nowhere"}}, "nothing answers at its socket"),
    ],
    ids=str,
)
def test_what_a_database_server_refuses_is_said_by_its_cause(
    postgres: str, folder: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], said: str
) -> None:
    """\"Run caller-service migrate" would send a tired operator round in a circle."""
    url = sa.make_url(postgres)
    change = {name: value for name, value in change.items() if name != "query"} | {
        "query": {**url.query, **change.get("query", {})}
    }
    text = url.set(**change).render_as_string(hide_password=False)
    monkeypatch.setenv("CALLER_DATABASE_URL", text.replace("+psycopg", ""))
    for words in (("check",), ("migrate",), ("token", "list")):
        ended = ran(*words)
        refused(ended, said)
        assert "caller-service migrate" not in ended.stderr, ended.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('FATAL:  password authentication failed for user "caller"', "user and password"),
        ("server does not support SSL, but SSL was required", "does not speak TLS"),
        ("permission denied for schema public", "it must own the database"),
        ("failed to resolve host 'db.example': [Errno -2]", "its host has no address"),
        ("connection timeout expired", "does not answer in time"),
        ('relation "alembic_version" does not exist', "never migrated; run caller-service migrate"),
        ("Marcie at +17205550123", "database: cannot be used (OperationalError)"),
    ],
)
def test_the_cause_of_a_database_fault_is_said_in_our_words(text: str, said: str) -> None:
    fault = database_fault(sa.exc.OperationalError("SELECT", {}, Exception(text)))
    assert said in fault
    assert "Marcie" not in fault and "7205550123" not in fault


def test_a_file_that_is_no_database_is_said_plainly(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "places.csv").write_text("name,longitude,latitude\n" * 99)
    monkeypatch.setenv("CALLER_DATABASE_URL", f"sqlite:///{folder}/places.csv")
    for words in (("check",), ("migrate",), ("token", "list")):
        refused(ran(*words), "this file is no SQLite database")


def test_serve_says_that_only_the_fallback_words_are_given_until_it_is_migrated(
    tmp_path: Path, begun: list[Running]
) -> None:
    environment = clean_environment(CALLER_BIND=f"127.0.0.1:{free_port()}")
    words = ["serve", "--workers", "1"]
    begun.append(web := Running(words, tmp_path, environment, tmp_path / "w.log", by_hand=True))
    web.says("listening on")
    assert "database: not there yet; run caller-service migrate" in web.said
    assert "only the 911 and 988 words" in web.said


def test_a_folder_that_cannot_be_written_is_said_plainly(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "file").write_text("not a folder")
    monkeypatch.setenv("CALLER_DATABASE_URL", f"sqlite:///{folder}/file/caller.sqlite")
    refused(ran("migrate"), "file")


@pytest.mark.parametrize("port", ["70000", "-1"])
def test_a_port_that_cannot_be_is_refused(port: str, tmp_path: Path) -> None:
    ended = command(tmp_path, "rehearse", "--port", port)
    assert ended.returncode in (1, 2) and ended.stderr and "Traceback" not in ended.stderr, (
        ended.stderr[-200:]
    )


# ---- on a database -------------------------------------------------------------------------------


def test_check_is_content_and_says_the_hash(migrated: Path) -> None:
    ended = ran("check")
    assert (
        ended.exit_code == 0
        and "sound" in ended.stdout
        and re.search(r"[0-9a-f]{64}", ended.stdout)
    )


def test_migrate_twice_changes_nothing(migrated: Path) -> None:
    ended = ran("migrate")
    assert ended.exit_code == 0 and ended.stderr == ""


def test_the_database_is_its_owners_alone_and_check_names_what_is_not(migrated: Path) -> None:
    file = migrated / "var" / "caller.sqlite"
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    assert "caller.sqlite is open to others (mode 644)" in ran("check").stdout
    assert ran("migrate").exit_code == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert "open to others" not in ran("check").stdout


def test_the_words_of_no_request_are_not_erased(migrated: Path) -> None:
    refused(ran("words", "erase", "K7M4Q2", "--yes"), "K7M4Q2: there is no such request")
    refused(ran("words", "hold", "K7M4Q2", "--by", "Sam"), "K7M4Q2: there is no such request")
    assert ran("words", "erase", "K7M4Q2", said="n\n").exit_code == 1


def test_a_token_is_shown_once_and_kept_hashed(migrated: Path) -> None:
    ended = ran("token", "add", "rehearsal-cad")
    found = re.fullmatch(r"rehearsal-cad, read act\. Token, shown once: (\S{40,})\n", ended.stdout)
    assert found, ended
    assert found[1].encode() not in (migrated / "var" / "caller.sqlite").read_bytes()
    assert found[1] not in ran("token", "list").stdout
    assert ran("token", "revoke", "rehearsal-cad").stdout == "rehearsal-cad: 1 revoked\n"
    refused(ran("token", "revoke", "rehearsal-cad"), "rehearsal-cad: no token in force")


@pytest.fixture
def with_page(migrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The rehearsal's program with an added page, which has no token yet."""
    place = tmp_path / "programs" / "city"
    shutil.copytree(CITY, place)
    words = (place / "program.toml").read_text(encoding="utf-8")
    words = words.replace("../../protocols", str(PROTOCOL.parent))
    page = '[[destinations]]\nname = "clinic"\nkind = "page"\n\n[[ladder]]'
    (place / "program.toml").write_text(words.replace("[[ladder]]", page, 1), encoding="utf-8")
    monkeypatch.setenv("CALLER_PROGRAM", str(place / "program.toml"))
    _forget_tokens(migrated)
    yield place / "program.toml"
    _forget_tokens(migrated)


def _forget_tokens(migrated: Path) -> None:
    with connected(f"sqlite:///{migrated}/var/caller.sqlite") as conn, conn.begin():
        conn.execute(sa.text("DELETE FROM token"))


@pytest.mark.parametrize(
    ("words", "faults"),
    [
        (("Clinic",), ["Clinic: no destination of the program", "clinic"]),
        (("clinic", "--scope", "act"), ["--scope act: a browser token reads its own page"]),
        (("console", "--expires", "soon"), ["--expires: not a day"]),
        (("console", "--expires", "9999-12-31"), ["--expires: not a day"]),
        (("console", "--expires", "2020-01-01"), ["--expires: that day is over"]),
        (("console", "--name", "clinic"), ["--name clinic: is somebody else's"]),
        (("console", "--name", "resident"), ["--name resident: is somebody else's"]),
        (("console", "--name", "A B"), ["--name: lower-case letters"]),
        (
            ("Cad", "--expires", "x", "--name", "!"),
            ["Cad: no", "--expires: not", "--name: lower-case"],
        ),
    ],
    ids=str,
)
def test_a_token_that_cannot_be_is_refused_with_every_fault(
    with_page: Path, words: tuple[str, ...], faults: list[str]
) -> None:
    refused(ran("token", "add", *words), *faults)
    assert ran("token", "list").stdout == ""


def test_the_list_tells_what_each_token_may_do_and_until_when(with_page: Path) -> None:
    assert "Browser token, shown once" in ran("token", "add", "clinic").stdout
    every = [word for scope in ("converse", "read", "transcript") for word in ("--scope", scope)]
    ran("token", "add", "console", "--name", "night-tool", "--expires", "2099-01-31", *every)
    ran("token", "add", "rehearsal-cad")
    ran("token", "add", "rehearsal-cad")

    rows = [re.split(r" {2,}", line) for line in ran("token", "list").stdout.splitlines()]
    assert [row[1:] for row in rows] == [
        ["clinic", "browser", "clinic", "read", "no expiry"],
        ["night-tool", "console", "console", "read transcript converse", "2099-01-31"],
        *[["rehearsal-cad", "api", "rehearsal-cad", "read act", "no expiry"]] * 2,
    ]
    assert ran("token", "revoke", rows[2][0]).stdout == f"{rows[2][0]}: 1 revoked\n"
    assert [line.split()[0] for line in ran("token", "list").stdout.splitlines()] == [
        row[0] for row in rows if row != rows[2]
    ]


def test_check_names_tokens_without_a_destination_and_expired_ones(
    with_page: Path, migrated: Path
) -> None:
    for words in (("clinic",), ("console", "--expires", "2099-01-31"), ("rehearsal-cad",)):
        assert ran("token", "add", *words).exit_code == 0
    assert ran("check").exit_code == 0
    with connected(f"sqlite:///{migrated}/var/caller.sqlite") as conn, conn.begin():
        past = "UPDATE token SET expires_at = '2026-01-01 07:00:00' WHERE name = 'console'"
        conn.execute(sa.text(past))
    ended = ran("check")
    assert ended.exit_code == 0 and "note: token console: expired on 2025-12-31" in ended.stdout
    words = with_page.read_text(encoding="utf-8")
    with_page.write_text(words.replace('name = "clinic"', 'name = "clinic-2"'), encoding="utf-8")

    refused(ran("check"), "token clinic: ", "token console: expired")
    assert "rehearsal-cad" not in ran("check").stderr
    assert "refused: no_destination" in ran("token", "list").stdout
    assert "token clinic: " in ran("migrate").stderr


LINK = r"http://\S+/console/first/([\w-]{40,})"


def test_a_person_is_added_once_with_a_link_shown_once(migrated: Path) -> None:
    ended = ran("person", "add", "Ana Ruiz", "--role", "dispatcher")
    found = re.fullmatch(
        rf"Ana Ruiz, dispatcher\. One-time link, works for 24 hours:\n{LINK}\n", ended.stdout
    )
    assert found, ended
    with connected(f"sqlite:///{migrated}/var/caller.sqlite") as conn:
        rows = conn.execute(sa.text("SELECT * FROM person_link")).all()
        (password,) = conn.execute(sa.text("SELECT password FROM person")).one()
    assert password is None and len(rows) == 1 and found[1] not in str(rows)
    refused(ran("person", "add", "ana  ruiz", "--role", "analyst"), "ana ruiz: already there")
    refused(ran("person", "add", "resident", "--role", "analyst"), "somebody else's name")


def test_people_are_listed_disabled_enabled_and_reset(migrated: Path) -> None:
    ran("person", "add", "Bea Soto", "--role", "administrator")
    assert re.search(
        r"^Bea Soto +administrator +- +waits for their link$", ran("person", "list").stdout, re.M
    )
    assert "signed out everywhere" in ran("person", "disable", "bea soto").stdout
    assert re.search("Bea Soto .* disabled", ran("person", "list").stdout)
    refused(ran("person", "reset", "Bea Soto"), "Bea Soto is disabled")
    refused(ran("person", "disable", "Bea Soto"), "disabled already")
    assert ran("person", "enable", "Bea Soto").exit_code == 0
    assert re.search(LINK, ran("person", "reset", "Bea Soto").stdout)
    for words in ("disable", "enable", "reset"):
        refused(ran("person", words, "Nobody"), "Nobody: nobody has this name")
    with connected(f"sqlite:///{migrated}/var/caller.sqlite") as conn:
        told = conn.execute(sa.text("SELECT who, event FROM journal ORDER BY at, id")).all()
    assert [tuple(one) for one in told][-4:] == [
        ("operator", event)
        for event in ("person_added", "person_disabled", "person_enabled", "person_reset")
    ]


CASE = {
    "id": "c1", "reference": "K7M4Q2", "contact_id": "p1", "status": "handed_off", "version": 1,
    "response": "team", "area": "central", "language": "en", "state": "{}", "protocol_hash": "",
    "outcome": "", "unserved": "", "opened_at": "2026-11-23 18:00:00",
}  # fmt: skip


def test_dead_deliveries_are_listed_and_sent_again(migrated: Path) -> None:
    assert ran("hand-off", "list").stdout == ""
    with connected(f"sqlite:///{migrated}/var/caller.sqlite") as conn, conn.begin():
        conn.execute(
            sa.text(
                "INSERT INTO contact (id, number_index, sealed_number, language, created_at) "
                "VALUES ('p1', x'00', x'00', 'en', '2026-11-23')"
            )
        )
        conn.execute(
            sa.text(
                f'INSERT INTO "case" ({", ".join(CASE)}) VALUES '
                f"({', '.join(f':{name}' for name in CASE)})"
            ),
            CASE,
        )
        row = "INSERT INTO delivery (id, case_id, revision, destination, state, tries, error, at) VALUES (:id, 'c1', :revision, 'rehearsal-cad', :state, 16, :error, '2026-11-23')"
        conn.execute(
            sa.text(row),
            [{"id": f"d{n}", "revision": n, "state": "dead", "error": "http 500"} for n in (1, 2)],
        )
        conn.execute(
            sa.text(row), [{"id": "d3", "revision": 3, "state": "received", "error": None}]
        )

    dead = ran("hand-off", "list", "--state", "dead").stdout.splitlines()
    assert len(dead) == 2 and all("rehearsal-cad" in line and "http 500" in line for line in dead)
    assert len(ran("hand-off", "list").stdout.splitlines()) == 3
    refused(ran("hand-off", "replay", "d3"), "d3: no dead delivery has this id")
    assert ran("hand-off", "replay", "d1").stdout == "1 on their way again\n"
    assert ran("hand-off", "replay", "--all").stdout == "1 on their way again\n"
    assert ran("hand-off", "list", "--state", "dead").stdout == ""
    assert ran("hand-off", "replay").exit_code == 2


# ---- serve and work ------------------------------------------------------------------------------


@pytest.fixture
def begun(migrated: Path) -> Iterator[list[Running]]:
    running: list[Running] = []
    yield running
    for one in running:
        one.end()


def test_whatever_lies_beside_the_database_is_its_owners_alone(
    migrated: Path, begun: list[Running]
) -> None:
    """Whatever the umask of the machine, and whichever command created the file."""
    port = free_port()
    environment = clean_environment(CALLER_BIND=f"127.0.0.1:{port}")
    file = migrated / "var" / "caller.sqlite"

    def modes() -> dict[str, int]:
        beside = (part for part in file.parent.iterdir() if part.is_file())
        return {part.name: part.stat().st_mode & 0o777 for part in beside}

    before = os.umask(0)
    try:
        for part in file.parent.glob("caller.sqlite*"):
            part.unlink()
        assert command(migrated, "migrate", environment=environment).returncode == 0
        assert set(modes().values()) == {0o600}
        begun.append(
            Running(["serve", "--workers", "1"], migrated, environment, migrated / "web.log")
        )
        begun.append(Running(["work"], migrated, environment, migrated / "work.log"))
        begun[1].says("ready")
        until(lambda: answers(f"http://127.0.0.1:{port}/health/ready") == 200, "it listens")
        for words in (("token", "add", "console"), ("keys", "rewrap"), ("migrate",), ("check",)):
            assert command(migrated, *words, environment=environment).returncode == 0, words
    finally:
        os.umask(before)
    assert set(modes().values()) == {0o600}, modes()
    assert {"caller.sqlite", "caller.sqlite-wal", "caller.sqlite-shm", "caller.sqlite.worker"} <= (
        modes().keys()
    )


def test_a_second_worker_on_sqlite_is_refused(migrated: Path, begun: list[Running]) -> None:
    log = migrated / "work.log"
    begun.append(first := Running(["work"], migrated, clean_environment(), log, by_hand=True))
    first.says("ready")
    assert f"database sqlite:///{migrated}/var/caller.sqlite; working as worker-1" in first.said
    refused(command(migrated, "work"), "a worker already runs on this database; SQLite has one")
    assert first.alive
    assert first.end() == 0 and "Traceback" not in first.said


def test_serve_says_where_it_listens_and_that_a_port_is_busy(
    migrated: Path, begun: list[Running]
) -> None:
    port = free_port()
    environment: Mapping[str, str] = clean_environment(CALLER_BIND=f"127.0.0.1:{port}")
    log, words = migrated / "web.log", ["serve", "--workers", "1"]
    begun.append(web := Running(words, migrated, environment, log, by_hand=True))
    web.says(f"listening on http://127.0.0.1:{port}")
    until(lambda: not is_free(port), "it listens")
    begun.append(second := Running(words, migrated, environment, migrated / "second.log"))
    until(
        lambda: "in use" in second.said or not second.alive,
        "the second says why it does not listen",
        15,
    )
    assert str(port) in second.said and "Traceback" not in second.said
    assert web.end() == 0 and "Traceback" not in web.said


@pytest.mark.parametrize("flag", ["--workers", "--threads"])
def test_serve_takes_at_least_one_of_each(flag: str, tmp_path: Path, begun: list[Running]) -> None:
    begun.append(
        web := Running(
            ["serve", flag, "0"],
            tmp_path,
            clean_environment(CALLER_BIND=f"127.0.0.1:{free_port()}"),
            tmp_path / "web.log",
        )
    )
    until(lambda: not web.alive or "listening" in web.said, "it refuses or listens")
    assert not web.alive and web.process.returncode == 2, web.said
