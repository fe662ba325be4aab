"""What we send goes only to the configured URL, over verified TLS."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import CAD, TWILIO
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from caller_service.gateway.telephony import NumberCannotReceive, Ring, Telephony, TelephonyError
from caller_service.gateway.webhooks import DeliveryFailed, WebhookClient

if TYPE_CHECKING:
    import responses
    from conftest import House

NOW = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STATUSES = (301, 302, 303, 307, 308)


@pytest.mark.parametrize("status", STATUSES)
def test_a_redirect_of_a_destination_is_followed_nowhere(
    house: House, outside: responses.RequestsMock, status: int
) -> None:
    """An unexpected request fails the test, so only the first is made."""
    away = {"Location": "https://169.254.169.254/latest"}
    outside.add("POST", CAD, status=status, headers=away)
    outside.add("GET", f"{CAD}/x", status=status, headers=away)

    with pytest.raises(DeliveryFailed, match=f"http {status}"):
        house.parts.webhooks.post("rehearsal-cad", {"words": "x"}, "x.1", NOW)
    with pytest.raises(DeliveryFailed, match="cannot look"):
        house.parts.webhooks.has("rehearsal-cad", "x", 1, NOW)
    assert len(outside.calls) == 2


@pytest.mark.parametrize("status", STATUSES)
def test_a_redirect_of_the_provider_is_followed_nowhere(
    outside: responses.RequestsMock, status: int
) -> None:
    where = f"{TWILIO}/2010-04-01/Accounts/AC1/Messages.json"
    outside.add("POST", where, status=status, headers={"Location": "https://evil.test/"})

    with pytest.raises(TelephonyError):
        Telephony("AC1", "token", "+17205550100", TWILIO).text("+17205550123", "x", "")
    assert len(outside.calls) == 1


# ---- TLS -----------------------------------------------------------------------------------------
class Heard(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.server.heard.append(self.path)  # type: ignore[attr-defined]
        self.send_response(202)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return None


def certificate(folder: Path, name: str) -> Path:
    """A key and a self-signed certificate, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.IPAddress(ip_address(name))] if name[0].isdigit() else [x509.DNSName(name)]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextmanager
def server(pem: Path) -> Iterator[HTTPServer]:
    """An HTTPS server on this machine; `heard` has what it received."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    made = HTTPServer(("127.0.0.1", 0), Heard)
    made.heard = []  # type: ignore[attr-defined]
    made.handle_error = lambda *_: None  # type: ignore[method-assign]
    made.socket = context.wrap_socket(made.socket, server_side=True)
    thread = threading.Thread(target=made.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield made
    finally:
        made.shutdown()
        thread.join()
        made.server_close()


@pytest.mark.parametrize(
    ("name", "trusted"), [("127.0.0.1", True), ("127.0.0.1", False), ("other.test", True)]
)
def test_nothing_is_sent_to_who_cannot_show_a_certificate_of_that_name(
    outside: responses.RequestsMock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    trusted: bool,
) -> None:
    """`trusted`: the operator added this authority (REQUESTS_CA_BUNDLE); the name must fit too."""
    pem = certificate(tmp_path, name)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    if trusted:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))
    with server(pem) as there:
        url = f"https://127.0.0.1:{there.server_port}"
        outside.add_passthru(url)
        webhooks = WebhookClient({"cad": url}, {"cad": SECRET})
        twilio = Telephony("AC1", "token", "+17205550100", url)
        if trusted and name == "127.0.0.1":
            webhooks.post("cad", {}, "x.1", NOW)
            assert there.heard == ["/"]  # type: ignore[attr-defined]
            return
        with pytest.raises(DeliveryFailed, match="unreachable"):
            webhooks.post("cad", {}, "x.1", NOW)
        with pytest.raises(TelephonyError):
            twilio.text("+17205550123", "x", "")
        assert there.heard == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("number", ["911", "+1911", "1-911", "112", "+19115550100"])
def test_a_service_code_is_never_rung(outside: responses.RequestsMock, number: str) -> None:
    """Whatever requests it, and however the number got there: no request is made."""
    twilio = Telephony("AC1", "token", "+17205550100", TWILIO)
    with pytest.raises(NumberCannotReceive, match="refused"):
        twilio.call(number, Ring("https://door.test/a", "https://door.test/b", 25, 600))
    assert not outside.calls
