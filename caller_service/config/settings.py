"""Reads the settings of this machine from the environment, once, and reports every fault at once.

Rehearsal needs no settings: missing ones are derived from a random seed stored in var/, so that web
and worker agree. Live refuses settings that are missing, weak or left at their default. No secret
shows in `repr`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import re
import socket
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from .checked_table import meant
from .rehearsal_seed import kept_seed, seed_if_kept

MODES = ("rehearsal", "live")
TWILIO_API = "https://api.twilio.com"
STAND_IN_API = "http://127.0.0.1:8010"
REHEARSAL_PROGRAM = Path(__file__).parents[1] / "programs" / "rehearsal" / "program.toml"
_NEEDED_LIVE = (
    "CALLER_PROGRAM", "CALLER_DATABASE_URL", "CALLER_PUBLIC_URL", "CALLER_SECRET_KEY",
    "CALLER_DATA_KEYS", "CALLER_INDEX_KEYS", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN",
    "CALLER_METRICS_TOKEN",
)  # fmt: skip
WITHOUT_TLS = "CALLER_DATABASE_WITHOUT_TLS"
_ENCRYPTED = ("require", "verify-ca", "verify-full")  # sslmode values that always encrypt
_WEAK_WORDS = ("secret", "changeme", "password")
_QUOTED = re.compile(r"([\"']).*\1", re.DOTALL)
_FEWEST_DIFFERENT = 8  # a random secret has at least this many different characters

Keys = tuple[tuple[str, bytes], ...]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class SettingsFaults(Exception):
    """Settings are missing or wrong; `faults` names all of them."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of this machine."""

    mode: str
    program: Path
    database_url: str = field(repr=False)  # may hold a password
    public_url: str  # the URL Twilio signs, without a slash at its end
    trusted_proxies: int
    secret_key: str = field(repr=False)
    # (key id, 32 bytes); the first is in use, the rest are for rotation
    data_keys: Keys = field(repr=False)
    index_keys: Keys = field(repr=False)
    twilio_account_sid: str
    twilio_auth_tokens: tuple[str, ...] = field(repr=False)  # any verifies, the first is used
    twilio_api_key: str = field(repr=False)
    twilio_api_secret: str = field(repr=False)
    twilio_api_url: str
    host: str
    port: int
    worker_id: str
    metrics_token: str = field(repr=False)
    # every variable whose name ends in _SECRET
    destination_secrets: Mapping[str, str] = field(repr=False)
    calls_a_second: int = 1  # new calls that the account may make by REST
    seed: bytes = field(repr=False, default=b"")  # rehearsal only

    @property
    def live(self) -> bool:
        return self.mode == "live"

    @property
    def bind(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def secret(self, name: str) -> str:
        """The secret of a destination, by the name of its variable; "" if it is not set in live
        mode."""
        return self.destination_secrets.get(name) or (
            "whsec_" + _base64(derived(self.seed, name)) if self.seed else ""
        )

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], here: Path | None = None) -> Settings:
        """The settings, complete and valid. Raises SettingsFaults. Relative paths are made
        absolute, once, against `here`."""
        return _Reader(environ, here or Path.cwd()).settings()


def derived(seed: bytes, name: str) -> bytes:
    """Thirty-two bytes for a name, the same for everyone who has the seed."""
    return hmac.new(seed, name.encode(), hashlib.sha256).digest()


def derived_text(seed: bytes, name: str) -> str:
    """What rehearsal uses where a variable is missing."""
    if name in ("CALLER_DATA_KEYS", "CALLER_INDEX_KEYS"):
        return f"rehearsal:{_base64(derived(seed, name))}"
    token = derived(seed, name).hex()
    return {"TWILIO_ACCOUNT_SID": f"AC{token[:32]}", "TWILIO_AUTH_TOKEN": token[:32]}.get(
        name, token
    )


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


class _Reader:
    """Reads one environment; `faults` gathers what is wrong."""

    def __init__(self, environ: Mapping[str, str], here: Path) -> None:
        self.faults: list[str] = []
        self._known = {WITHOUT_TLS, "CALLER_MODE"}
        self._environ, self._var = environ, here.absolute() / "var"
        self._here = here.absolute()
        self.mode = environ.get("CALLER_MODE", "").strip() or "rehearsal"
        # a mistyped mode must not be served by rehearsal's easy rules
        self.live = self.mode != "rehearsal"
        if self.mode not in MODES:
            self._fault("CALLER_MODE", f'"{self.mode}" is neither rehearsal nor live')
        self.seed = b"" if self.live else self._kept_seed()

    def _kept_seed(self) -> bytes:
        try:
            return kept_seed(self._var)
        except OSError as problem:
            self._fault("var", f"the seed of the rehearsal cannot be stored there ({problem})")
            return b""

    def settings(self) -> Settings:
        host, port = self._bind()
        settings = Settings(
            mode=self.mode,
            program=(self._here / self._read("CALLER_PROGRAM", str(REHEARSAL_PROGRAM))).absolute(),
            database_url=self._database_url(),
            public_url=self._public_url(
                f"http://{host}:{port}" if ":" not in host else f"http://[{host}]:{port}"
            ),
            trusted_proxies=self._trusted_proxies(),
            secret_key=self._secret("CALLER_SECRET_KEY"),
            data_keys=self._keys("CALLER_DATA_KEYS"),
            index_keys=self._keys("CALLER_INDEX_KEYS"),
            twilio_account_sid=self._account_sid(),
            twilio_auth_tokens=self._auth_tokens(),
            twilio_api_key=self._read("TWILIO_API_KEY"),
            twilio_api_secret=self._api_secret(),
            twilio_api_url=self._twilio_api_url(),
            host=host,
            port=port,
            worker_id=self._worker_id(),
            metrics_token=self._secret("CALLER_METRICS_TOKEN"),
            destination_secrets={
                name: value
                for name, value in self._environ.items()
                if name.endswith("_SECRET") and name != "TWILIO_API_SECRET" and value
            },
            calls_a_second=self._calls_a_second(),
            seed=self.seed,
        )
        self._together(settings)
        self._unknown()
        if self.faults:
            raise SettingsFaults(tuple(self.faults))
        return settings

    def _fault(self, name: str, wrong: str) -> None:
        self.faults.append(f"{name}: {wrong}")

    def _read(self, name: str, default: str = "") -> str:
        """The value of a variable. In live mode a required one has no default."""
        value = self._environ.get(name, "").strip()
        self._known.add(name)
        if _QUOTED.fullmatch(value):  # Docker's env-file keeps them, a shell takes them away
            self._fault(name, "stands in quotation marks; leave them out")
            value = value[1:-1]
        if not value and self.live and name in _NEEDED_LIVE:
            self._fault(name, "missing")
            return ""
        return value or default

    def _derivable(self, name: str) -> str:
        return self._read(name, derived_text(self.seed, name) if self.seed else "")

    # ---- secrets ---------------------------------------------------------------------------------
    def _secret(self, name: str) -> str:
        value = self._derivable(name)
        if self.live and value:
            self._weak(name, value)
        return value

    def _weak(self, name: str, value: str) -> None:
        if (
            wrong := "is the one derived for rehearsal"
            if value == self._rehearsal(name)
            else weakness(value)
        ):
            self._fault(name, wrong)

    def _rehearsal(self, name: str) -> str:
        """The value that an earlier rehearsal in this folder used; "" if there was none."""
        seed = seed_if_kept(self._var)
        return derived_text(seed, name) if seed else ""

    def _keys(self, name: str) -> Keys:
        keys: list[tuple[str, bytes]] = []
        text = self._derivable(name)
        for place, part in enumerate(text.split(",") if text else (), start=1):
            key_id, colon, encoded = part.strip().partition(":")
            raw = _unbase64(encoded)
            # the value is never quoted: it may be the key itself
            if not colon or not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", key_id):
                self._fault(
                    name, f"key {place} needs an id of letters, digits, - and _ before the colon"
                )
            elif raw is None or len(raw) != 32:
                self._fault(name, f'key "{key_id}" must be 32 bytes in base64')
            elif key_id in dict(keys):
                self._fault(name, f'two keys have the id "{key_id}"')
            else:
                keys.append((key_id, raw))
                if self.live:
                    self._weak_key(name, key_id, raw)
        return tuple(keys)

    def _weak_key(self, name: str, key_id: str, raw: bytes) -> None:
        if len(set(raw)) < _FEWEST_DIFFERENT or any(
            word.encode() in raw.lower() for word in _WEAK_WORDS
        ):
            self._fault(name, f'key "{key_id}" is not random')
        if _base64(raw) == self._rehearsal(name).partition(":")[2]:
            self._fault(name, f'key "{key_id}" is the one derived for rehearsal')

    def _auth_tokens(self) -> tuple[str, ...]:
        tokens = tuple(
            token.strip()
            for token in self._derivable("TWILIO_AUTH_TOKEN").split(",")
            if token.strip()
        )
        if len(tokens) > 2:
            self._fault(
                "TWILIO_AUTH_TOKEN",
                "more than two; one is in use, and a second is for a rotation",
            )
        for token in tokens if self.live else ():
            self._weak("TWILIO_AUTH_TOKEN", token)
        return tokens

    def _api_secret(self) -> str:
        value = self._read("TWILIO_API_SECRET")
        if self.live and value:
            self._weak("TWILIO_API_SECRET", value)
        return value

    def _account_sid(self) -> str:
        sid = self._derivable("TWILIO_ACCOUNT_SID")
        if sid and not re.fullmatch(r"AC[0-9a-fA-F]{32}", sid):
            self._fault("TWILIO_ACCOUNT_SID", "is not AC and 32 hexadecimal digits")
        elif (
            self.live
            and sid
            and (
                len(set(sid[2:])) < _FEWEST_DIFFERENT
                or sid == self._rehearsal("TWILIO_ACCOUNT_SID")
            )
        ):
            self._fault("TWILIO_ACCOUNT_SID", "is not a real account")
        return sid

    # ---- places ----------------------------------------------------------------------------------
    def _database_url(self) -> str:
        url = self._read(
            "CALLER_DATABASE_URL", "" if self.live else f"sqlite:///{self._var / 'caller.sqlite'}"
        )
        scheme, _, rest = url.partition("://")
        if scheme in ("postgres", "postgresql", "postgresql+psycopg"):
            try:
                url_read = make_url(f"postgresql+psycopg://{rest}")
            except (ValueError, ArgumentError):  # it would quote the password
                self._fault(
                    "CALLER_DATABASE_URL",
                    "cannot be read; write special characters of the password as %40 and the like",
                )
                return ""
            self._encrypted(url_read)
            return f"postgresql+psycopg://{rest}"
        if scheme == "sqlite":
            path, question_mark, query = rest.partition("?")
            if not path.startswith("/") or path in ("/", "/:memory:"):
                self._fault(
                    "CALLER_DATABASE_URL",
                    "needs a file that web and worker share, such as sqlite:///var/caller.sqlite",
                )
                return ""
            return f"sqlite:///{self._here / path[1:]}{question_mark}{query}"
        if url:
            self._fault("CALLER_DATABASE_URL", "must begin with sqlite:/// or postgresql://")
        return ""

    def _encrypted(self, url: URL) -> None:
        """Refuse a connection without TLS to another machine, as it carries what residents write.
        The driver's own variables (PGHOST, PGSSLMODE) are used where the URL says nothing."""
        without_tls = self._read(WITHOUT_TLS)
        if without_tls not in ("", "allowed"):
            self._fault(WITHOUT_TLS, 'is either "allowed" or left out')
        asked = url.query.get("sslmode") or self._environ.get("PGSSLMODE", "")
        if not self.live or without_tls == "allowed" or asked in _ENCRYPTED:
            return
        given = (url.query.get(name, ()) for name in ("host", "hostaddr"))
        hosts = [url.host or "", *(h for each in given for h in _listed(each))]
        named = [host for host in hosts if host] or _listed(self._environ.get("PGHOST", ""))
        named += _listed(self._environ.get("PGHOSTADDR", ""))
        service = "service" in url.query or bool(self._environ.get("PGSERVICE"))
        if service or not all(map(_same_machine, named)):
            self._fault(
                "CALLER_DATABASE_URL",
                f"a connection to another machine must use TLS: add ?sslmode=verify-full "
                f"(or at least require), or set {WITHOUT_TLS}=allowed if the network is your own",
            )

    def _public_url(self, default: str) -> str:
        return self._url("CALLER_PUBLIC_URL", default)

    def _twilio_api_url(self) -> str:
        url = self._url("CALLER_TWILIO_API_URL", TWILIO_API if self.live else STAND_IN_API)
        host = (urlsplit(url).hostname or "").rstrip(".")
        if not self.live and (host == "twilio.com" or host.endswith(".twilio.com")):
            self._fault("CALLER_TWILIO_API_URL", "rehearsal never uses Twilio's real API")
        return url

    def _url(self, name: str, default: str) -> str:
        url = self._read(name, default).rstrip("/")
        if not url:
            return url
        try:
            parts = urlsplit(url)
            sound = (
                parts.scheme in ("http", "https")
                and parts.hostname
                and parts.port != 0
                and "@" not in parts.netloc
            )
        except ValueError:
            parts, sound = urlsplit(""), False
        if not sound or parts.query or parts.fragment:
            self._fault(name, "is not a plain http or https URL")
            return ""
        if self.live and parts.scheme == "http":
            self._fault(name, "must be https: in live")
        if self.live and (why := not_outside(parts.hostname or "")):
            self._fault(name, f"{why}, where nobody else can reach it")
        return url

    def _bind(self) -> tuple[str, int]:
        text = self._read("CALLER_BIND", "127.0.0.1:8000")
        found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:\[\]]+)):(\d{1,5})", text)
        if found is None or not 1 <= int(found[3]) <= 65535:
            self._fault("CALLER_BIND", f'"{text}" is not host:port, such as 127.0.0.1:8000')
            return "127.0.0.1", 8000
        host = found[1] or found[2]
        if not self.live and not is_loopback(host):
            self._fault(
                "CALLER_BIND",
                f"{host} can be reached from other machines; rehearsal stays on this one",
            )
        return host, int(found[3])

    # ---- small things ----------------------------------------------------------------------------
    def _trusted_proxies(self) -> int:
        text = self._read("CALLER_TRUSTED_PROXIES", "0")
        if not re.fullmatch(r"[0-9]", text):
            self._fault(
                "CALLER_TRUSTED_PROXIES", f'"{text}" is not a number of proxies from 0 to 9'
            )
            return 0
        return int(text)

    def _calls_a_second(self) -> int:
        text = self._read("CALLER_CALLS_A_SECOND", "1")
        if not re.fullmatch(r"[0-9]{1,3}", text) or int(text) < 1:
            self._fault("CALLER_CALLS_A_SECOND", f'"{text}" is not a number of calls from 1 to 999')
            return 1
        return int(text)

    def _worker_id(self) -> str:
        name = self._read("CALLER_WORKER_ID", "worker-1")
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
            self._fault("CALLER_WORKER_ID", "must be 1 to 64 letters, digits, dots, - or _")
        return name

    def _unknown(self) -> None:
        """Refuse a mistyped name: its setting would silently be the default."""
        for name in sorted(self._environ):
            ours = name.startswith("CALLER_") and not name.endswith("_SECRET")
            if ours and name not in self._known:
                self._fault(name, f"there is no such setting{meant(name, self._known)}")

    def _together(self, settings: Settings) -> None:
        """Check settings against each other."""
        if bool(settings.twilio_api_key) != bool(settings.twilio_api_secret):
            self._fault("TWILIO_API_KEY", "and TWILIO_API_SECRET are given together or not at all")
        if {raw for _, raw in settings.data_keys} & {raw for _, raw in settings.index_keys}:
            self._fault(
                "CALLER_INDEX_KEYS", "holds a key of CALLER_DATA_KEYS; each key has one use"
            )
        if self.live and settings.program == REHEARSAL_PROGRAM:
            self._fault("CALLER_PROGRAM", "is the rehearsal city")


def weakness(value: str) -> str:
    """Why a secret could be guessed; "" if it seems strong."""
    if len(value) < 32:
        return "is shorter than 32 characters"
    if len(set(value)) < _FEWEST_DIFFERENT:
        return "repeats a few characters"
    found = [word for word in _WEAK_WORDS if word in value.lower()]
    return f'contains the word "{found[0]}"' if found else ""


def is_loopback(host: str) -> bool:
    """Is this address on this machine?"""
    address = _address(host)
    return _is_localhost(host) if address is None else address.is_loopback


def not_outside(host: str) -> str:
    """Why a host cannot be another machine: it is this machine, or a link-local address, however it
    is written; "" if it may be another. Makes no network request.

    Stricter than `is_loopback`: a host that might be this machine is refused, too.
    """
    plain = _as_looked_up(host)
    address = _address(plain)
    if address is None:
        local = _is_localhost(plain) or plain in _LOCAL_NAMES or plain.endswith(_LOCAL_DOMAINS)
        return "is this machine" if local else ""
    for each in (address, *_carried(address)):
        if each.is_loopback or each in _THIS_HOST:
            return "is this machine"
        if each.is_link_local:
            return "is a link-local address"
    return ""


# names that the hosts files of common systems give to this machine
_LOCAL_NAMES = ("ip6-localhost", "ip6-loopback", "localhost4", "localhost6")
_LOCAL_DOMAINS = (".localdomain", ".localdomain4", ".localdomain6")
_THIS_HOST = ipaddress.ip_network("0.0.0.0/8")
# IPv6 networks whose addresses end in the IPv4 address that is meant: compatible, translated, NAT64
_IPV4_AT_END = tuple(
    map(ipaddress.IPv6Network, ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48"))
)


def _as_looked_up(host: str) -> str:
    """A host in the form in which it is resolved: HTTP clients decode %-escapes and map full-width
    and styled characters to plain ones, and a trailing dot is ignored."""
    plain = host if ":" in host else unquote(host)
    plain = unicodedata.normalize("NFKC", plain).replace("\N{IDEOGRAPHIC FULL STOP}", ".")
    return plain.strip().lower().rstrip(".")


def _carried(address: Address) -> Iterator[ipaddress.IPv4Address]:
    """The IPv4 addresses that are embedded in an IPv6 address."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    if any(address in network for network in _IPV4_AT_END):
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    yield from filter(None, (address.sixtofour, *(address.teredo or ())))


def _is_localhost(host: str) -> bool:
    name = host.lower().rstrip(".")
    return name == "localhost" or name.endswith(".localhost")


def _address(host: str) -> Address | None:
    """The address that a host is written as, also in short forms ("127.1") and as an IPv4-mapped
    IPv6 address; None for a name."""
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        try:
            return ipaddress.IPv4Address(socket.inet_aton(host.rstrip(".")))
        except (OSError, UnicodeError):
            return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _same_machine(host: str) -> bool:
    """A socket in the file system, or loopback."""
    return host[:1] in ("/", "@") or is_loopback(host)


def _listed(hosts_given: str | Sequence[str]) -> list[str]:
    """The hosts of a connection string, without ports."""
    each = [hosts_given] if isinstance(hosts_given, str) else hosts_given
    hosts = [host.strip() for one in each for host in one.split(",")]
    return [
        host if host[:1] in ("/", "@") or host.count(":") > 1 else host.partition(":")[0]
        for host in hosts
        if host
    ]


def webhook_secret_fault(value: str) -> str:
    """What is wrong with a destination's secret; "" if it is right. Any other form would be decoded
    to a different key. The secret is never quoted."""
    if not value.startswith("whsec_"):
        return (
            'begins with "v1,": leave that out, so that it begins with whsec_'
            if value.startswith("v1,whsec_")
            else "does not begin with whsec_"
        )
    raw = _unbase64(value.removeprefix("whsec_"))
    if raw is None or _base64(raw) != value.removeprefix("whsec_"):
        return "is not whsec_ and then base64, to the last character"
    return "" if 24 <= len(raw) <= 64 else "is not whsec_ and then 24 to 64 bytes in base64"


def _unbase64(text: str) -> bytes | None:
    try:
        return base64.b64decode(
            text, altchars=b"-_" if set("-_") & set(text) else None, validate=True
        )
    except (binascii.Error, ValueError):
        return None
