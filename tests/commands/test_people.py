"""What `check` reports about accounts, and the accounts of a rehearsal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from staff import Account, Browser

from caller_service.casework import accounts
from caller_service.commands import people
from caller_service.core.roles import Role

if TYPE_CHECKING:
    from conftest import House


def test_check_notes_who_is_missing(house: House) -> None:
    def missing() -> list[str]:
        return [note.split(";")[0] for note in people.staff_notes(house.parts)]

    assert missing() == [
        "accounts: there is no administrator",
        "accounts: there is no dispatcher",
    ]
    admin = Account(house, "Alex Kim", Role.ADMINISTRATOR)
    Account(house, "Sam Ortiz", Role.SUPERVISOR)
    assert missing() == [], "a supervisor dispatches too"
    accounts.disable(house.parts, "operator", admin.id, last_too=True)
    assert missing() == ["accounts: there is no administrator"]


def test_a_rehearsal_begun_again_has_the_same_people_with_what_it_prints(house: House) -> None:
    """Even if the previous rehearsal changed them."""
    settings = house.app.extensions["caller_settings"]
    people.make_rehearsal_staff(house.parts, settings)
    dana = accounts.find_named(house.parts, "Dana Ruiz")
    assert dana
    accounts.reset(house.parts, "operator", dana.id)
    people.make_rehearsal_staff(house.parts, settings)

    assert len(house.rows("person")) == len(people.REHEARSAL) == 3
    printed = "\n".join(people.rehearsal_lines(settings))
    for name, role in people.REHEARSAL.items():
        account = Account.__new__(Account)
        account.house, account.name, account.role = house, name, role
        account.password = people.rehearsal_password(settings, role)
        account.totp = people.rehearsal_totp(settings, role)
        assert account.password in printed and (account.totp or "") in printed
        browser = Browser(house)
        assert browser.signs_in(account).status_code == 200 and browser.is_in(), name
