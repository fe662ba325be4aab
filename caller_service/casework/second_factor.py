"""The second factor of the staff: a code that changes every 30 s (TOTP, RFC 6238), and recovery
codes on paper."""

from __future__ import annotations

import hmac
import io
import secrets
from datetime import datetime

import pyotp
import segno

from .parts import DIGITS, LETTERS

STEP = 30  # seconds of one code
LATE = 1  # codes before and after the present one that count: clocks differ
RECOVERY_CODES = 8
# 24 characters of 26 are 112 bits: a plain SHA-256 of them is enough
_GROUPS, _GROUP = 6, 4


def new_secret() -> str:
    """A secret of 160 bits, in base32."""
    return pyotp.random_base32()


def address(secret: str, name: str, issuer: str) -> str:
    """What an authenticator app reads."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=issuer)


def picture(text: str) -> str:
    """A QR code as SVG, without a style of its own."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(
        out, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=4,
        svgclass="qr", lineclass=None, light="#fff", dark="#000", title="QR code",
    )  # fmt: skip
    return out.getvalue().decode()


def grouped(secret: str) -> str:
    """A secret in groups of four, to type."""
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


def counter_of(secret: str, code: str, now: datetime) -> int | None:
    """Which counter this code is of, if it is one that counts at this moment. It does not say
    whether the code was used."""
    typed = "".join(code.split())
    present = int(now.timestamp()) // STEP
    found = None
    for counter in range(present - LATE, present + LATE + 1):
        # all are compared, always
        if hmac.compare_digest(pyotp.HOTP(secret).at(counter).encode(), typed.encode()):
            found = counter
    return found


def code_at(secret: str, now: datetime) -> str:
    """The code of this moment."""
    return str(pyotp.HOTP(secret).at(int(now.timestamp()) // STEP))


def new_recovery_codes() -> list[str]:
    """Codes such as "K7M4-Q2P3-…": letters and digits that nobody takes for one another."""
    return [
        "-".join(
            "".join(secrets.choice(LETTERS + DIGITS) for _ in range(_GROUP)) for _ in range(_GROUPS)
        )
        for _ in range(RECOVERY_CODES)
    ]


def as_recovery_code(typed: str) -> str:
    """A recovery code as it is kept, however it was typed; "" if it cannot be one."""
    plain = "".join(sign for sign in typed.upper() if sign in LETTERS + DIGITS)
    if len(plain) != _GROUPS * _GROUP:
        return ""
    return "-".join(plain[at : at + _GROUP] for at in range(0, len(plain), _GROUP))
