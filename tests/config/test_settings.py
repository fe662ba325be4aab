"""The settings: rehearsal needs none, live mode accepts no weak or missing one."""

from __future__ import annotations

import base64
import shutil
import stat
import threading
from dataclasses import replace
from datetime import time
from hashlib import sha256
from pathlib import Path

import pytest

from caller_service import create_app
from caller_service.app import NotReady
from caller_service.config.program_file import read_program
from caller_service.config.rehearsal_seed import kept_seed
from caller_service.config.settings import REHEARSAL_PROGRAM, Settings, SettingsFaults
from caller_service.core.program import Destination, Hours, Phone, Program
from caller_service.core.protocol import SignOff
from caller_service.server.readiness import live_faults, secret_faults


def drawn(name: str) -> str:
    """Thirty-two bytes that look random, always the same for a name."""
    return base64.b64encode(sha256(name.encode()).digest()).decode()


def token(name: str) -> str:
    return sha256(name.encode()).hexdigest()


def webhook_secret(name: str) -> str:
    return "whsec_" + drawn(name)


LIVE = {
    "CALLER_MODE": "live",
    "CALLER_PROGRAM": "city/program.toml",
    "CALLER_DATABASE_URL": "postgresql://caller@db.example/caller?sslmode=verify-full",
    "CALLER_PUBLIC_URL": "https://care.example/",
    "CALLER_SECRET_KEY": token("session"),
    "CALLER_DATA_KEYS": f"2026b:{drawn('b')},2026a:{drawn('a')}",
    "CALLER_INDEX_KEYS": f"i1:{drawn('i')}",
    "TWILIO_ACCOUNT_SID": "AC" + token("account")[:32],
    "TWILIO_AUTH_TOKEN": f"{token('new')[:32]},{token('old')[:32]}",
    "CALLER_METRICS_TOKEN": token("metrics"),
}


def faults(environ: dict[str, str], here: Path) -> tuple[str, ...]:
    with pytest.raises(SettingsFaults) as refused:
        Settings.from_environment(environ, here)
    return refused.value.faults


def test_rehearsal_needs_nothing(tmp_path: Path) -> None:
    settings = Settings.from_environment({}, tmp_path)

    assert (settings.mode, settings.live, settings.program) == (
        "rehearsal",
        False,
        REHEARSAL_PROGRAM,
    )
    assert settings.database_url == f"sqlite:///{tmp_path}/var/caller.sqlite"
    assert (settings.bind, settings.public_url) == ("127.0.0.1:8000", "http://127.0.0.1:8000")
    assert settings.twilio_api_url == "http://127.0.0.1:8010"
    assert (settings.worker_id, settings.trusted_proxies) == ("worker-1", 0)
    assert settings.calls_a_second == 1
    assert 32 == len(settings.data_keys[0][1]) == len(settings.index_keys[0][1])


@pytest.mark.parametrize("told", ["0", "-1", "1.5", "many", "1000"])
def test_a_pace_of_calls_that_is_none_is_named(tmp_path: Path, told: str) -> None:
    (fault,) = faults({"CALLER_CALLS_A_SECOND": told}, tmp_path)
    assert fault.startswith("CALLER_CALLS_A_SECOND: ")


def test_web_and_worker_of_one_rehearsal_agree(tmp_path: Path) -> None:
    web, worker = Settings.from_environment({}, tmp_path), Settings.from_environment({}, tmp_path)

    assert web == worker
    assert web.secret("REHEARSAL_CAD_SECRET") == worker.secret("REHEARSAL_CAD_SECRET") != ""
    assert web != Settings.from_environment({}, tmp_path / "elsewhere")


def test_the_seed_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    Settings.from_environment({}, tmp_path)

    assert stat.S_IMODE((tmp_path / "var" / "rehearsal.key").stat().st_mode) == 0o600
    assert [file.name for file in (tmp_path / "var").iterdir()] == ["rehearsal.key"]


def test_processes_that_start_together_end_with_one_seed(tmp_path: Path) -> None:
    seeds: list[bytes] = []
    together = threading.Barrier(8)

    def start() -> None:
        together.wait()
        seeds.append(kept_seed(tmp_path))

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(seeds), len(set(seeds))) == (8, 1)


def test_a_damaged_seed_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "rehearsal.key").write_bytes(b"")

    assert [fault for fault in faults({}, tmp_path) if "damaged" in fault]


def test_live_starts_when_all_is_told(tmp_path: Path) -> None:
    settings = Settings.from_environment(LIVE, tmp_path)

    assert settings.live
    assert settings.program == tmp_path / "city/program.toml"
    assert (
        settings.database_url == "postgresql+psycopg://caller@db.example/caller?sslmode=verify-full"
    )
    assert settings.public_url == "https://care.example"
    assert [key_id for key_id, _ in settings.data_keys] == ["2026b", "2026a"]
    assert settings.twilio_auth_tokens == (token("new")[:32], token("old")[:32])
    assert settings.twilio_api_url == "https://api.twilio.com"
    assert not (tmp_path / "var").exists(), "live draws no seed"


def test_live_names_every_gap_at_once(tmp_path: Path) -> None:
    named = faults({"CALLER_MODE": "live"}, tmp_path)

    assert {fault.partition(":")[0] for fault in named if fault.endswith("missing")} == set(
        LIVE
    ) - {"CALLER_MODE"}


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("CALLER_MODE", "production", "neither rehearsal nor live"),
        ("CALLER_PUBLIC_URL", "http://care.example", "must be https"),
        ("CALLER_PUBLIC_URL", "https://127.0.0.1", "this machine"),
        ("CALLER_PUBLIC_URL", "https://ip6-localhost", "this machine"),
        ("CALLER_PUBLIC_URL", "https://[64:ff9b::a9fe:1]", "link-local"),
        ("CALLER_PUBLIC_URL", "care.example", "not a plain http or https URL"),
        ("CALLER_PUBLIC_URL", "https://care.example/?x=1", "not a plain http or https URL"),
        ("CALLER_SECRET_KEY", "short", "shorter than 32"),
        ("CALLER_SECRET_KEY", "ab" * 32, "repeats a few characters"),
        ("CALLER_SECRET_KEY", "my-very-own-ChangeMe-for-production-2026", "changeme"),
        ("CALLER_METRICS_TOKEN", "the-password-of-the-metrics-page-2026", "password"),
        ("CALLER_DATA_KEYS", "one", "key 1 needs an id"),
        ("CALLER_DATA_KEYS", ",", "needs an id"),
        ("CALLER_DATA_KEYS", f"a:{drawn('a')},a:{drawn('b')}", 'two keys have the id "a"'),
        ("CALLER_DATA_KEYS", "a:" + base64.b64encode(b"a" * 32).decode(), "is not random"),
        (
            "CALLER_DATA_KEYS",
            "a:" + base64.b64encode(b"my-secret-that-i-typed-in-myself").decode(),
            "is not random",
        ),
        ("CALLER_DATA_KEYS", "a:" + base64.b64encode(b"too short").decode(), "must be 32 bytes"),
        ("CALLER_INDEX_KEYS", f"i:{drawn('a')}", "holds a key of CALLER_DATA_KEYS"),
        ("TWILIO_ACCOUNT_SID", "AC123", "32 hexadecimal digits"),
        ("TWILIO_ACCOUNT_SID", "AC" + "0" * 32, "not a real account"),
        ("TWILIO_AUTH_TOKEN", ",".join((token("1"), token("2"), token("3"))), "more than two"),
        ("TWILIO_AUTH_TOKEN", "x", "shorter than 32"),
        ("TWILIO_API_KEY", "SK" + "1" * 32, "together or not at all"),
        ("CALLER_TWILIO_API_URL", "http://127.0.0.1:8010", "must be https"),
        ("CALLER_DATABASE_URL", "mysql://x", "must begin with"),
        ("CALLER_DATABASE_URL", "sqlite:///:memory:", "web and worker share"),
        ("CALLER_BIND", "8000", "not host:port"),
        ("CALLER_BIND", "127.0.0.1:99999", "not host:port"),
        ("CALLER_TRUSTED_PROXIES", "-1", "number of proxies"),
        ("CALLER_WORKER_ID", "worker one", "letters, digits"),
        ("CALLER_PROGRAM", str(REHEARSAL_PROGRAM), "rehearsal city"),
    ],
)
def test_live_refuses_what_is_weak_or_wrong(
    tmp_path: Path, name: str, value: str, wrong: str
) -> None:
    named = faults(LIVE | {name: value}, tmp_path)

    assert [fault for fault in named if fault.startswith(name) and wrong in fault], named


@pytest.mark.parametrize("mode", [{}, LIVE], ids=["rehearsal", "live"])
@pytest.mark.parametrize(
    ("mistyped", "meant"),
    [
        ("CALLER_MOD", "CALLER_MODE"),
        ("CALLER_TRUSTED_PROXY", "CALLER_TRUSTED_PROXIES"),
        ("CALLER_METRIC_TOKEN", "CALLER_METRICS_TOKEN"),
        ("CALLER_DATABASE_WITHOUT_SSL", "CALLER_DATABASE_WITHOUT_TLS"),
        ("CALLER_XYZ", ""),
    ],
)
def test_a_setting_that_does_not_exist_is_refused(
    tmp_path: Path, mode: dict[str, str], mistyped: str, meant: str
) -> None:
    """With CALLER_MOD=live, or one proxy fewer, the service would start with rehearsal's rules, or
    take everybody for one client."""
    (fault,) = faults(mode | {mistyped: "hunter2"}, tmp_path)
    assert fault.startswith(f"{mistyped}: there is no such setting")
    assert fault.endswith(f"did you mean {meant}?") if meant else "mean" not in fault
    assert "hunter2" not in fault
    Settings.from_environment(mode | {"CALLER_CITY_CAD_SECRET": "", "CALLED": "x"}, tmp_path)


@pytest.mark.parametrize("mark", ["'", '"'])
def test_a_value_in_quotation_marks_is_refused(tmp_path: Path, mark: str) -> None:
    """Docker's env-file keeps them, and a key would be another key."""
    quoted = {name: f"{mark}{value}{mark}" for name, value in LIVE.items() if name != "CALLER_MODE"}
    named = faults(LIVE | quoted, tmp_path)
    assert {fault.partition(":")[0] for fault in named} == quoted.keys()
    assert all("leave them out" in fault for fault in named), named


def test_live_refuses_what_rehearsal_derived(tmp_path: Path) -> None:
    known = Settings.from_environment({}, tmp_path)
    used = {
        "CALLER_SECRET_KEY": known.secret_key,
        "CALLER_DATA_KEYS": f"mine:{base64.b64encode(known.data_keys[0][1]).decode()}",
        "TWILIO_AUTH_TOKEN": known.twilio_auth_tokens[0],
        "TWILIO_ACCOUNT_SID": known.twilio_account_sid,
    }

    assert set(used) == {fault.partition(":")[0] for fault in faults(LIVE | used, tmp_path)}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CALLER_BIND", "0.0.0.0:8000"),
        ("CALLER_BIND", "[::]:8000"),
        ("CALLER_BIND", "care.example:8000"),
        ("CALLER_TWILIO_API_URL", "https://api.twilio.com"),
        ("CALLER_TWILIO_API_URL", "https://API.Twilio.com."),
        ("CALLER_TWILIO_API_URL", "https://api.ashburn.us1.twilio.com"),
    ],
)
def test_rehearsal_stays_on_this_machine(tmp_path: Path, name: str, value: str) -> None:
    assert [fault for fault in faults({name: value}, tmp_path) if fault.startswith(name)]


@pytest.mark.parametrize(
    "bind", ["127.0.0.1:9000", "localhost:9000", "[::1]:9000", "127.8.0.1:9000"]
)
def test_rehearsal_may_choose_its_door(tmp_path: Path, bind: str) -> None:
    settings = Settings.from_environment({"CALLER_BIND": bind}, tmp_path)

    assert (settings.bind, settings.public_url) == (bind, f"http://{bind}")


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("sqlite:///var/x.sqlite", "sqlite:///{here}/var/x.sqlite"),
        ("sqlite:////srv/x.sqlite?timeout=5", "sqlite:////srv/x.sqlite?timeout=5"),
        ("postgres://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg://u@h/d", "postgresql+psycopg://u@h/d"),
    ],
)
def test_a_database_has_one_address_for_every_process(tmp_path: Path, told: str, kept: str) -> None:
    assert Settings.from_environment(
        {"CALLER_DATABASE_URL": told}, tmp_path
    ).database_url == kept.format(here=tmp_path)


def test_no_secret_shows(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        LIVE
        | {
            "CITY_CAD_SECRET": webhook_secret("cad"),
            "TWILIO_API_KEY": "SK1",
            "TWILIO_API_SECRET": token("api"),
        },
        tmp_path,
    )
    shown = repr(settings)

    assert settings.secret("CITY_CAD_SECRET") == webhook_secret("cad")
    for name in ("session", "metrics", "cad", "api"):
        assert token(name) not in shown
    assert token("new")[:32] not in shown
    assert "caller@db" not in shown
    assert "SK1" not in shown


def test_a_fault_never_quotes_a_secret(tmp_path: Path) -> None:
    named = faults(
        LIVE
        | {
            "CALLER_DATA_KEYS": "hunter2-hunter2!:x",
            "CALLER_SECRET_KEY": "hunter2",
            "TWILIO_AUTH_TOKEN": "hunter2",
        },
        tmp_path,
    )

    assert "hunter2" not in " ".join(named)


# ---- readiness -----------------------------------------------------------------------------------
def a_real_city(folder: Path) -> Path:
    """The rehearsal city, with numbers that somebody could have."""
    for name in ("areas.geojson", "places.csv"):
        shutil.copy(REHEARSAL_PROGRAM.with_name(name), folder / name)
    protocol = REHEARSAL_PROGRAM.parents[2] / "protocols" / "safety_screen_2.toml"
    written = REHEARSAL_PROGRAM.read_text(encoding="utf-8")
    for fiction, real in (
        ("+1720555", "+1720867"),
        ("fairhaven.example", "care.fairhaven.gov"),
        ("../../protocols/safety_screen_2.toml", str(protocol)),
    ):
        written = written.replace(fiction, real)
    (folder / "program.toml").write_text(written, encoding="utf-8")
    return folder / "program.toml"


@pytest.fixture
def ready(tmp_path: Path) -> tuple[Settings, Program]:
    program = read_program(a_real_city(tmp_path))
    console, webhook = program.destinations
    signed = SignOff("Dr. A. Lead", "B. Counsel", "2026-11-01", program.protocol.hash)
    program = replace(
        program,
        sign_off=signed,
        destinations=(
            console,
            replace(webhook, url="https://cad.example/h", secret="CITY_CAD_SECRET"),
        ),
    )
    return Settings.from_environment(
        LIVE | {"CITY_CAD_SECRET": webhook_secret("cad")}, tmp_path
    ), program


def staffed(program: Program, *hours: Hours) -> Program:
    first = replace(program.rungs("danger")[0], hours=hours)
    return replace(program, ladder=(first, *program.rungs("team")))


def test_a_signed_and_staffed_program_may_go_live(ready: tuple[Settings, Program]) -> None:
    assert live_faults(*ready) == ()


def test_speech_recognition_is_signed_or_off(ready: tuple[Settings, Program]) -> None:
    settings, program = ready
    for signed_by in ("", " "):
        phone = Phone(speech=True, speech_signed_by=signed_by)
        (fault,) = live_faults(settings, replace(program, phone=phone))
        assert fault.startswith("phone.speech_signed_by: missing")
    phone = Phone(speech=True, speech_signed_by="C. Counsel")
    assert live_faults(settings, replace(program, phone=phone)) == ()


def test_the_rehearsal_city_may_not_go_live(tmp_path: Path) -> None:
    named = live_faults(Settings.from_environment({}, tmp_path), read_program(REHEARSAL_PROGRAM))

    assert len([fault for fault in named if fault.startswith("sign_off.")]) == 4
    assert [fault for fault in named if fault.startswith("CALLER_PUBLIC_URL")]


def test_a_number_kept_for_fiction_may_not_go_live(ready: tuple[Settings, Program]) -> None:
    """A rung that was copied from the example pages nobody."""
    settings, program = ready
    fiction = "+17205550130"
    numbers, first = program.numbers, program.ladder[0]
    probed = replace(program, numbers=replace(numbers, probe=fiction))
    assert live_faults(settings, probed) == (), "nobody should have the probe's number"
    for changed, where in (
        ({"ladder": (replace(first, number=fiction), *program.ladder[1:])}, first.name),
        ({"numbers": replace(numbers, psap=fiction)}, "numbers.psap"),
        ({"numbers": replace(numbers, callback=fiction)}, "numbers.callback"),
        ({"numbers": replace(numbers, neighbours={"Fairview": fiction})}, "Fairview"),
        ({"areas": (replace(program.areas[0], psap=fiction),)}, "psap"),
    ):
        (fault,) = live_faults(settings, replace(program, **changed))  # type: ignore[arg-type]
        assert where in fault and fiction in fault
    for link in ("fairhaven.example/police", ""):
        (fault,) = live_faults(settings, replace(program, police_link=link))
        assert fault.startswith("program.police_link: ")


def test_a_sign_off_of_another_protocol_is_refused(ready: tuple[Settings, Program]) -> None:
    settings, program = ready

    assert [
        fault
        for fault in live_faults(
            settings, replace(program, sign_off=replace(program.sign_off, protocol_hash="0" * 64))
        )
        if "not what is loaded" in fault
    ]


EVERY_DAY, SUNDAY = frozenset(range(7)), frozenset({6})


@pytest.mark.parametrize(
    ("hours", "named"),
    [
        (
            (
                Hours(EVERY_DAY - SUNDAY, time(0), time(0)),
                Hours(frozenset({5}), time(18), time(2)),
                Hours(SUNDAY, time(6), time(0)),
            ),
            "sun 02:00–06:00",
        ),
        (
            (Hours(EVERY_DAY, time(6), time(22)),),
            "mon 00:00–06:00, mon 22:00–24:00, tue 00:00–06:00 and 11 more",
        ),
        ((Hours(EVERY_DAY - {2}, time(0), time(0)),), "wed 00:00–24:00"),
        (
            (Hours(EVERY_DAY, time(0), time(23, 59)),),
            "mon 23:59–24:00, tue 23:59–24:00, wed 23:59–24:00 and 4 more",
        ),
        (
            (Hours(EVERY_DAY, time(8), time(20)), Hours(EVERY_DAY - {4}, time(20), time(8))),
            "fri 20:00–24:00, sat 00:00–08:00",
        ),
    ],
)
def test_an_hour_without_a_person_is_named(
    ready: tuple[Settings, Program], hours: tuple[Hours, ...], named: str
) -> None:
    settings, program = ready
    found = live_faults(settings, staffed(program, *hours))

    assert f"nobody is on duty {named} (America/Denver)" in found[0]


@pytest.mark.parametrize(
    "hours",
    [
        (),
        (Hours(EVERY_DAY, time(0), time(0)),),
        (Hours(EVERY_DAY, time(8), time(20)), Hours(EVERY_DAY, time(20), time(8))),
    ],
)
def test_a_ladder_staffed_round_the_clock_has_no_gap(
    ready: tuple[Settings, Program], hours: tuple[Hours, ...]
) -> None:
    settings, program = ready

    assert live_faults(settings, staffed(program, *hours)) == ()


def test_a_hand_off_needs_somewhere_to_go(ready: tuple[Settings, Program], tmp_path: Path) -> None:
    settings, program = ready

    assert [
        fault
        for fault in live_faults(settings, replace(program, destinations=()))
        if "there is none" in fault
    ]
    assert (
        live_faults(settings, replace(program, destinations=(Destination("clinic", "page"),))) == ()
    ), "a page has no address and no secret"
    team = Destination(
        "team-cad", "eido", "http://cad.team.example/eido", "TEAM_CAD_SECRET", "team.example"
    )
    named = live_faults(settings, replace(program, destinations=(team,)))
    assert [fault.split(": ")[1] for fault in named] == [
        "its url must be https",
        "TEAM_CAD_SECRET is missing",
    ]
    assert [
        fault
        for fault in live_faults(Settings.from_environment(LIVE, tmp_path), program)
        if "CITY_CAD_SECRET is missing" in fault
    ]


# ---- destinations and the database ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("secret", "wrong"),
    [
        (webhook_secret("a"), ""),
        ("whsec_" + base64.b64encode(b"\xff" * 23 + b"x").decode(), ""),
        ("v1," + webhook_secret("a"), 'begins with "v1,"'),
        ("v1,whsec_", 'begins with "v1,"'),
        (drawn("a"), "does not begin with whsec_"),
        (token("a"), "does not begin with whsec_"),
        ("WHSEC_" + drawn("a"), "does not begin with whsec_"),
        (" " + webhook_secret("a"), "does not begin with whsec_"),
        (f"{webhook_secret('a')},{webhook_secret('b')}", "to the last character"),
        (webhook_secret("a") + "\n", "to the last character"),
        (webhook_secret("a").rstrip("="), "to the last character"),
        ("whsec_" + base64.urlsafe_b64encode(b"\xfb\xff" * 16).decode(), "to the last character"),
        (webhook_secret("a").replace("whsec_", "whsec_whsec_"), "to the last character"),
        ("whsec_", "24 to 64 bytes"),
        ("whsec_" + base64.b64encode(b"x" * 23).decode(), "24 to 64 bytes"),
        ("whsec_" + base64.b64encode(b"x" * 65).decode(), "24 to 64 bytes"),
    ],
)
@pytest.mark.parametrize("live", [True, False])
def test_a_secret_that_would_sign_with_another_key_is_refused(
    ready: tuple[Settings, Program], tmp_path: Path, secret: str, wrong: str, live: bool
) -> None:
    """The library would sign with whatever it decodes as base64, and the receiver could verify none
    of our deliveries."""
    _, program = ready
    told = {"CITY_CAD_SECRET": secret}
    settings = Settings.from_environment((LIVE if live else {}) | told, tmp_path)
    named = secret_faults(settings, program)

    assert len(named) == bool(wrong)
    for fault in named:
        assert fault.startswith('destination "') and "CITY_CAD_SECRET" in fault and wrong in fault
        assert secret.strip()[-20:] not in fault or secret == "whsec_"


def test_a_start_with_such_a_secret_is_refused(tmp_path: Path) -> None:
    told = {"REHEARSAL_CAD_SECRET": "v1," + webhook_secret("cad")}
    with pytest.raises(NotReady) as refused:
        create_app(Settings.from_environment(told, tmp_path))

    assert len(refused.value.faults) == 1 and "REHEARSAL_CAD_SECRET" in refused.value.faults[0]


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("https://cad.example/h", ""),
        ("https://10.1.2.3/h", ""),
        ("https://localhost.example/h", ""),
        ("https://[2001:db8::1]/h", ""),
        ("https://localhost/h", "is this machine"),
        ("https://LOCALHOST.:8443/h", "is this machine"),
        ("https://cad.localhost/h", "is this machine"),
        ("https://127.8.9.1/h", "is this machine"),
        ("https://127.1/h", "is this machine"),
        ("https://2130706433/h", "is this machine"),
        ("https://0.0.0.0/h", "is this machine"),
        ("https://[::1]/h", "is this machine"),
        ("https://[::ffff:127.0.0.1]/h", "is this machine"),
        ("https://169.254.169.254/latest", "link-local"),
        ("https://[fe80::1]/h", "link-local"),
        ("https://[::ffff:169.254.1.1]/h", "link-local"),
        *(
            (f"https://{host}/h", "is this machine")
            for host in (
                "ip6-localhost",
                "IP6-Loopback.",
                "localhost.localdomain",
                "localhost6.localdomain6",
                "localhost4",
                "box.localdomain",
                "localhost.",
                "localhost..",
                "127.0.0.1.",
                "0x7f.1",
                "0x7f000001",
                "017700000001",
                "0177.1",
                "0177.0.0.01",
                "2130706433.",
                "0.0.0.0.",
                "0",
                "0.1.2.3",
                "[::]",
                "[::127.0.0.1]",
                "[::7f00:1]",
                "[::ffff:7f00:1]",
                "[::ffff:0:127.0.0.1]",
                "[64:ff9b::7f00:1]",
                "[64:ff9b::127.8.9.1]",
                "[64:ff9b:1::7f00:1]",
                "[2002:7f00:1::]",
                "[2002:7f00:1::1]",
                "[::ffff:0.0.0.0]",
                # what a client makes of these is 127.0.0.1 and localhost
                "１２７.0.0.1",
                "127。0。0。1",
                "%31%32%37.0.0.1",
                "ⓛocalhost",
            )
        ),
        ("https://[64:ff9b::a9fe:a9fe]/h", "link-local"),
        ("https://[::169.254.1.1]/h", "link-local"),
        ("https://[fe80::1%25eth0]/h", "link-local"),
        ("https://2852039166/latest", "link-local"),
        ("https://169.254.43518/latest", "link-local"),
        ("https://[64:ff9b::a01:203]/h", ""),
        ("https://[2002:a01:203::1]/h", ""),
        ("https://ip6-localhost.example/h", ""),
        ("https://167838211/h", ""),
        ("https://cad.example./h", ""),
        ("https://me:hunter22@cad.example/h", "a user or a password"),
        ("https://me@cad.example/h", "a user or a password"),
    ],
)
def test_a_live_destination_is_another_machine_without_a_password(
    ready: tuple[Settings, Program], url: str, wrong: str
) -> None:
    settings, program = ready
    (webhook,) = (one for one in program.destinations if one.posted)
    named = live_faults(settings, replace(program, destinations=(replace(webhook, url=url),)))

    assert len(named) == bool(wrong)
    for fault in named:
        assert f'destination "{webhook.name}": ' in fault and wrong in fault
        assert "hunter22" not in fault and url not in fault


@pytest.mark.parametrize(
    ("url", "more", "refused"),
    [
        ("postgresql://u:p@db.example/d?sslmode=require", {}, False),
        ("postgresql://u@db.example/d?sslmode=verify-ca", {}, False),
        ("postgresql://u@db.example/d", {"PGSSLMODE": "verify-full"}, False),
        ("postgresql://u@127.0.0.1/d", {}, False),
        ("postgresql://u@[::1]:5433/d", {}, False),
        ("postgresql://u@localhost/d?sslmode=disable", {}, False),
        ("postgresql:///d", {}, False),
        ("postgresql:///d?host=/run/postgresql", {}, False),
        ("postgresql://u@db.example/d", {"CALLER_DATABASE_WITHOUT_TLS": "allowed"}, False),
        ("postgresql://u:hunter22@db.example/d", {}, True),
        ("postgres://u@db.example/d?sslmode=prefer", {"PGSSLMODE": "require"}, True),
        ("postgresql://u@db.example/d?sslmode=allow", {}, True),
        ("postgresql://u@db.example/d?sslmode=Require", {}, True),
        ("postgresql://u@10.0.0.5/d", {}, True),
        ("postgresql:///d?host=db.example", {}, True),
        ("postgresql:///d?host=127.0.0.1,db.example:5432", {}, True),
        ("postgresql:///d?hostaddr=10.0.0.5", {}, True),
        ("postgresql:///d?service=city", {}, True),
        ("postgresql:///d", {"PGHOST": "db.example"}, True),
        ("postgresql:///d", {"PGHOSTADDR": "10.0.0.5"}, True),
        ("postgresql:///d", {"PGHOSTADDR": "127.0.0.1"}, False),
        ("postgresql://localhost/d", {"PGSERVICE": "x"}, True),
    ],
)
def test_a_database_elsewhere_is_spoken_to_with_tls(
    tmp_path: Path, url: str, more: dict[str, str], refused: bool
) -> None:
    environ = LIVE | {"CALLER_DATABASE_URL": url} | more
    if not refused:
        assert Settings.from_environment(environ, tmp_path).database_url
        return
    (named,) = faults(environ, tmp_path)
    assert named.startswith("CALLER_DATABASE_URL: ") and "sslmode=verify-full" in named
    assert "CALLER_DATABASE_WITHOUT_TLS=allowed" in named and "hunter22" not in named
    rehearsal = {"CALLER_DATABASE_URL": url} | more
    assert Settings.from_environment(rehearsal, tmp_path / "rehearsal").database_url


def test_leave_to_do_without_tls_is_given_in_one_word(tmp_path: Path) -> None:
    (named,) = faults(LIVE | {"CALLER_DATABASE_WITHOUT_TLS": "yes"}, tmp_path)
    assert named.startswith("CALLER_DATABASE_WITHOUT_TLS: ")
