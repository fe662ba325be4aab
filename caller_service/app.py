"""The composition root: builds the parts from settings and program, and registers blueprints on the
app."""

from __future__ import annotations

from collections.abc import Mapping

from alembic.config import Config
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import Migrate
from werkzeug.middleware.proxy_fix import ProxyFix

from caller_service.casework.parts import Parts
from caller_service.config.program_file import read_program
from caller_service.config.settings import Settings
from caller_service.core.program import Program
from caller_service.gateway.telephony import Telephony
from caller_service.gateway.webhooks import WebhookClient
from caller_service.jobs.queue import Jobs
from caller_service.language.catalog import Catalog, read_catalog
from caller_service.language.folders import folder
from caller_service.language.languages import with_languages
from caller_service.language.recordings import Pack, read_packs
from caller_service.language.vocabularies import read_language_words
from caller_service.server.readiness import live_faults, secret_faults
from caller_service.store.database.engine import engine_options, prepare
from caller_service.store.database.group_commit import writer_for
from caller_service.store.sealing import Sealer
from caller_service.store.tables import db
from caller_service.web.console.callbacks import call_pages
from caller_service.web.console.case_pages import case_pages
from caller_service.web.console.people_pages import people_pages
from caller_service.web.console.queue import console
from caller_service.web.console.shift import shift_pages
from caller_service.web.console.sign_in import console_sign_in
from caller_service.web.dispatch.api import register_api
from caller_service.web.dispatch.eido import eido
from caller_service.web.dispatch.phone import phone
from caller_service.web.dispatch.printed_hand_off import printable
from caller_service.web.operations.health import health, metrics
from caller_service.web.residents.form import form
from caller_service.web.residents.front_page import not_found_page, pages
from caller_service.web.residents.rendering import dialable, in_language
from caller_service.web.residents.times import ago, clock_time
from caller_service.web.shared.failure_limit import FailureLimit
from caller_service.web.shared.guard import NoCookieNoSession
from caller_service.web.shared.problem import register_error_handlers
from caller_service.web.shared.public_address import PublicAddress
from caller_service.web.shared.static_files import static_files, static_url
from caller_service.web.sms.inbound import sms
from caller_service.web.voice.calls import calls
from caller_service.web.voice.recordings import recordings
from caller_service.web.voice.residents import voice


class NotReady(Exception):
    """The service may not start; `faults` names every reason."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def build(settings: Settings, program: Program | None = None) -> Flask:
    """Build the app. Raises ProgramFaults for a program that cannot be read, NotReady if it may not
    start, above all in live mode."""
    program = with_languages(program or read_program(settings.program))
    catalog = read_catalog(program.languages)
    faults = secret_faults(settings, program)
    packs, unspoken = read_packs(program, catalog)
    if settings.live:
        faults += (*live_faults(settings, program), *unreviewed(catalog, program), *unspoken)
    if faults:
        raise NotReady(faults)
    app = Flask("caller_service", static_folder=None, template_folder="web/templates")
    app.config.update(
        SECRET_KEY=settings.secret_key,
        DEBUG=False,  # whatever FLASK_DEBUG says
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url),
        TWILIO_ACCOUNT_SID=settings.twilio_account_sid,
        TWILIO_AUTH_TOKENS=settings.twilio_auth_tokens,
        METRICS_TOKEN=settings.metrics_token,
        MAX_CONTENT_LENGTH=1024 * 1024,
        MIGRATION_HEAD=migration_head(),
    )
    # of the proxies' headers only the client's address is used, to slow down whoever guesses tokens
    proxies = dict(x_for=settings.trusted_proxies, x_proto=0, x_host=0, x_port=0, x_prefix=0)
    app.wsgi_app = PublicAddress(ProxyFix(app.wsgi_app, **proxies), settings.public_url)  # type: ignore[method-assign, assignment]
    db.init_app(app)
    Migrate(
        app,
        db,
        directory=str(folder("migrations")),
        include_object=include_object,
        compare_type=False,
        render_as_batch=True,
    )
    app.extensions["caller_parts"] = _parts(app, settings, program, catalog, packs)
    app.extensions["caller_settings"] = settings
    app.extensions["caller_failure_limit"] = FailureLimit()
    app.session_interface = NoCookieNoSession()
    register_error_handlers(app, not_found_page)
    register_api(app, eido, phone)
    app.jinja_env.globals.update(
        static_url=static_url,
        clock_time=clock_time,
        ago=ago,
        in_language=in_language,
        dialable=dialable,
    )
    for blueprint in (
        sms, voice, calls, recordings, pages, form, printable, health, metrics, static_files,
        console_sign_in, console, case_pages, call_pages, shift_pages,
        people_pages,
    ):  # fmt: skip
        app.register_blueprint(blueprint)
    return app


def _parts(
    app: Flask,
    settings: Settings,
    program: Program,
    catalog: Catalog,
    packs: Mapping[str, Pack],
) -> Parts:
    with app.app_context():
        engine = db.engine
    prepare(engine)
    posted = [destination for destination in program.destinations if destination.posted]
    return Parts(
        engine=engine,
        writer=writer_for(engine),
        sealer=Sealer(settings.data_keys, settings.index_keys),
        program=program,
        catalog=catalog,
        language_words=read_language_words(program.languages, program.watched),
        jobs=Jobs(engine),
        telephony=telephony_of(settings, program),
        webhooks=WebhookClient(
            {one.name: one.url for one in posted},
            {one.name: settings.secret(one.secret) for one in posted},
        ),
        public_url=settings.public_url,
        calls_a_second=settings.calls_a_second,
        packs=packs,
    )


def telephony_of(settings: Settings, program: Program) -> Telephony:
    """Twilio's REST API, with the program's first number or Messaging Service as the default
    sender."""
    return Telephony(
        settings.twilio_account_sid, settings.twilio_auth_tokens[0],
        program.numbers.ours[0].number, settings.twilio_api_url, settings.twilio_api_key,
        settings.twilio_api_secret,
    )  # fmt: skip


def unreviewed(catalog: Catalog, program: Program) -> tuple[str, ...]:
    """Safety texts that no qualified reviewer has signed, one fault for each language
    (docs/translating.md)."""
    faults = []
    for language in program.languages:
        if keys := catalog.unreviewed_safety(language):
            faults.append(
                f"language {language}: {len(keys)} safety strings are not reviewed, first "
                f'{keys[0]}; who reviewed one takes "#, fuzzy" from it in '
                f"translations/{language}/LC_MESSAGES/messages.po"
            )
    return tuple(faults)


def migration_head() -> str:
    config = Config()
    config.set_main_option("script_location", str(folder("migrations")))
    return ScriptDirectory.from_config(config).get_current_head() or ""


def include_object(
    thing: object, name: str | None, kind: str, reflected: bool, compare_to: object
) -> bool:
    """For Alembic: ignore tables that exist only in the database, which are the job engine's."""
    return not (kind == "table" and reflected and compare_to is None)
