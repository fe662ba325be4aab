"""The evidence that is left after a run, and the promises that are checked against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from caller_service.casework.resident_page import PROVIDER
from caller_service.config.settings import Settings
from caller_service.core.case import Channel, Status
from caller_service.core.journal_events import Event
from caller_service.core.ledger import tally
from caller_service.core.outbound import UNSENT, DeliveryState, TextState
from caller_service.core.outcome import Outcome
from caller_service.core.program import Rung
from caller_service.core.repetition import SAME_WORDS
from caller_service.rehearsal.board import Board
from caller_service.rehearsal.calling import Call
from caller_service.store import hand_offs, ledger, messages
from caller_service.store.sealing import Sealer
from caller_service.store.tables import (
    call,
    case,
    contact,
    delivery,
    hand_off,
    journal,
    leg,
    message,
    page,
)

from .town import Town

# outcomes that a resident's own choice may have
WITHOUT_DISPATCH = (
    Outcome.INFORMATION,
    Outcome.UNSERVED,
    Outcome.TRANSFERRED_TO_911,
    Outcome.NO_REQUEST,
)
# Two attempts at one delivery that are closer together than this come from two jobs: an attempt
# after one that failed or was cut off waits longer (store/claim.py, PAUSED).
AT_ONCE = timedelta(seconds=1)
ON_ITS_WAY = timedelta(seconds=10)  # made so late, it may not have arrived
TAKEN_IN = timedelta(seconds=2)  # from a turn's first read of a text to its commit


def posted_at_once(deliveries: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """The keys in a board's log that were posted again while the destination was receiving them, or
    right after."""
    begun: dict[str, list[datetime]] = {}
    for one in deliveries:
        if one["why"] in ("new", "newer revision", "older than what we have", "repeated"):
            begun.setdefault(str(one["key"]), []).append(datetime.fromisoformat(str(one["begun"])))
    for key, times in begun.items():
        if any(later - earlier < AT_ONCE for earlier, later in pairwise(sorted(times))):
            yield key


Asked = tuple[str, str, str]  # case, person, by


def _together(many: Counter[Asked], cases: set[str]) -> Counter[Asked]:
    """The same, without telling text and call apart for these cases."""
    counts: Counter[Asked] = Counter()
    for (case_id, person, by), count in many.items():
        counts[case_id, person, "either" if case_id in cases else by] += count
    return counts


class Evidence:
    """The database, the phones and the board of dispatch after a run, and what they must agree
    on."""

    def __init__(
        self,
        town: Town,
        conn: sa.Connection,
        settings: Settings,
        ladder: Sequence[Rung],
        ended: datetime,
    ) -> None:
        """`ended`: when the service was ended, after which nothing could be sent."""
        self.town, self.conn, self.ladder, self.ended = town, conn, ladder, ended
        self.staff = {rung.number: rung.name for rung in ladder}
        self.sealer = Sealer(settings.data_keys, settings.index_keys)
        self.cases = {row.id: row for row in conn.execute(sa.select(case))}
        # calls and web visits have evidence of their own (calls_evidence.py, visitors.py)
        texted = sa.select(message).where(message.c.provider.not_in(("voice", PROVIDER)))
        self.messages = list(conn.execute(texted))
        # a call may have moved to another case: those that it was on before are in the journal
        began = sa.select(journal.c.case_id).where(journal.c.event == Event.CALL_BEGAN)
        self.called = {
            row.case_id for row in conn.execute(sa.select(leg.c.case_id).union_all(began))
        }
        self.calls = list(conn.execute(sa.select(call)))
        joined = sa.select(journal.c.case_id, sa.func.min(journal.c.id)).where(
            journal.c.event == Event.JOINED
        )
        self.joined_at = {
            case_id: messages.made_at(first)
            for case_id, first in conn.execute(joined.group_by(journal.c.case_id))
        }
        # they gave no number: messages to them wait on their page
        on_page = {row.id for row in self.cases.values() if row.state.get("channel") == Channel.WEB}
        self.by_rest = [
            row
            for row in self.messages
            if row.direction == "out"
            and (row.tries or not row.answers)
            and not (row.person is None and row.case_id in on_page)
        ]
        # by owner: a name on a ladder, or a contact's id
        self.numbers = {name: number for number, name in self.staff.items()}
        for row in conn.execute(sa.select(contact)):
            self.numbers[row.id] = self.sealer.open(row.sealed_number, f"contact.number.{row.id}")

    def _human(self, row: sa.Row[Any]) -> bool:
        """Is this text answered by a human, not by software? So it is if a human had taken the case
        in danger, or had spoken with this resident, also by phone, when the text came."""
        one = self.cases.get(row.case_id or "")
        if one is None:
            return False
        joined_at = self.joined_at.get(one.id)
        return (one.level in ("R1", "R2") and "acknowledged" in one.state["marks"]) or (
            joined_at is not None and messages.made_at(row.id) > joined_at - TAKEN_IN
        )

    def _said(self, row: sa.Row[Any]) -> str:
        return self.sealer.open(row.sealed_words, f"message.words.{row.id}")

    def wrong(self) -> Iterator[tuple[str, list[str]]]:
        """Each promise, and what breaks it."""
        yield "every text is kept once, as it was written", self._texts()
        yield "every text is answered, the same at each asking", self._answers()
        yield "one case a conversation: none lost, none phantom, none doubled", self._cases()
        yield (
            "each destination has each hand-off once, in order, at its newest revision",
            self._hand_offs(),
        )
        yield (
            "every case has ended in one class of the ledger, or a clock will ring for it",
            self._ends(),
        )
        yield (
            "each page is one text, or one call; nobody's phone rings twice at once",
            self._pages() + self._calls(),
        )
        yield (
            "no page and no unasked text is lost, doubled or left behind on its way",
            self._unasked(),
        )
        yield "no update is told twice", self._updates()

    def _texts(self) -> list[str]:
        sent = {one.sid: one.words for one in self.town.sent}
        kept = [row for row in self.messages if row.direction == "in"]
        once = Counter(row.provider_id for row in kept)
        wrong = [f"lost {sid}" for sid in sent if sid not in once] + [
            f"{many} times {sid}" for sid, many in once.items() if many > 1
        ]
        said = {row.provider_id: self._said(row) for row in kept}
        return wrong + [
            f"phantom or altered {sid}" for sid, words in said.items() if sent.get(sid) != words
        ]

    def _answers(self) -> list[str]:
        """Each text must have a reply, except where the rules give none: for the same message again
        before the first was answered (rule 8), and from the fourth time on (rule 24). The order of
        texts that came at the same moment is unknown here, so the check does not depend on it."""
        heard = [row for row in self.messages if row.direction == "in"]
        answered_at = {row.answers: row.at for row in self.messages if row.answers}
        alike: dict[tuple[str | None, str], list[sa.Row[Any]]] = {}
        for row in heard:
            alike.setdefault((row.case_id, self._said(row)), []).append(row)
        wrong = []
        for (_, said), rows in alike.items():
            answers = [answered_at[row.id] for row in rows if row.id in answered_at]
            silent = [
                row
                for row in rows
                if row.id not in answered_at
                and not any(at >= row.at for at in answers)
                and not self._human(row)
            ]
            # a number may answer every question, so it is never taken for a machine's message (rule
            # 24)
            owed = len(rows) if said.isdigit() else min(len(rows), SAME_WORDS - 1)
            if len(rows) - len(silent) < owed and silent:
                wrong += [
                    f"no answer to {row.provider_id}, heard {row.at:%H:%M:%S.%f}: {said!r}"
                    for row in silent
                ]
        wrong += [
            f"answered {len(set(one.answers))} ways {one.sid}"
            for one in self.town.sent
            if len(set(one.answers)) > 1
        ]
        return wrong + [
            f"never heard an answer to {one.sid}" for one in self.town.sent if not one.answers
        ]

    def _cases(self) -> list[str]:
        numbers = {number: one for one, number in self.numbers.items() if number not in self.staff}
        texters = {one.number for one in self.town.sent}
        callers = {made.phone for made in self.town.calling.calls() if made.direction == "inbound"}
        residents = texters - set(self.staff)
        theirs: dict[str, list[sa.Row[Any]]] = {}
        # in the order in which they were made, as a text may be fetched late
        for row in sorted(self.cases.values(), key=lambda one: one.id):
            theirs.setdefault(row.contact_id, []).append(row)
        # a withheld number is stored as ""
        there = residents | callers | {""}
        wrong = [f"phantom contact {numbers[number]}" for number in numbers.keys() - there]
        wrong += [f"phantom case of {one}" for one in theirs.keys() - set(self.numbers)]
        wrong += [
            "no case of one resident"
            for number in residents
            if numbers.get(number, "") not in theirs
        ]
        # Somebody who writes after a case has ended opens another, but never two at once.
        return wrong + [
            f"case {later.id} began before {sooner.id} ended"
            for mine in theirs.values()
            for sooner, later in pairwise(mine)
            if sooner.closed_at is None
            or sooner.closed_at > messages.made_at(later.id) + timedelta(milliseconds=1)
        ]

    def _hand_offs(self) -> list[str]:
        query = sa.select(
            hand_off.c.case_id, sa.func.max(hand_off.c.revision), sa.func.count()
        ).group_by(hand_off.c.case_id)
        sent = {row[0]: (row[1], row[2]) for row in self.conn.execute(query)}
        self.town.counts["hand-offs"] = len(sent)
        wrong = [
            f"not handed off: {row.id} is {row.status}, {row.outcome or row.level}"
            for row in self.cases.values()
            if row.id not in sent
            and row.status != Status.SCREENING
            and not (row.status == Status.CLOSED and row.outcome in WITHOUT_DISPATCH)
        ]
        for case_id, (newest, many) in sent.items():
            if many != newest or newest != self.cases[case_id].state["revision"]:
                wrong.append(f"revisions of {case_id}: {many} up to {newest}")
        not_received = self.conn.execute(
            sa.select(delivery).where(delivery.c.state != DeliveryState.RECEIVED)
        ).all()
        on_its_way = {
            f"{row.case_id}.{row.revision}"
            for row in not_received
            if row.state != DeliveryState.DEAD and row.at > self.ended - ON_ITS_WAY
        }
        newest = {case_id: last for case_id, (last, _) in sent.items()}
        for name, board in self.town.boards.items():
            wrong += [f"{name}: {one}" for one in self._held(name, board, newest, on_its_way)]
        return wrong + [
            f"{row.state} at {row.destination} {row.case_id}.{row.revision}, tried {row.tries}"
            for row in not_received
            if f"{row.case_id}.{row.revision}" not in on_its_way
        ]

    def _held(
        self, name: str, board: Board, newest: Mapping[str, int], on_its_way: Collection[str]
    ) -> Iterator[str]:
        """What one destination has, compared with what was sent to it; each fails independently.
        `on_its_way`: what it may or may not have."""
        log = [(str(one["key"]), str(one["why"])) for one in board.deliveries]
        took = [key for key, why in log if why in ("new", "newer revision")]
        # a 2xx without storing anything counts as received, whatever the body was
        lied = {key for key, why in log if why.startswith(("garbage", "endless", "drip"))}
        lies = lied - set(took)
        self.town.counts[f"hand-offs {name} said it had and had not"] = len(lies)
        yield from (f"{why}: {key}" for key, why in log if why == "repeated with other words")
        repeated = sum(why == "repeated" for _, why in log)
        self.town.counts[f"hand-offs {name} was told again after a try was cut off"] = repeated
        yield from (f"posted twice at once: {key}" for key in posted_at_once(board.deliveries))
        # A slow attempt may be read after a false response to a quicker one: only then may it be
        # older than what came since.
        yield from (
            f"{why}: {key}"
            for key, why in log
            if why == "older than what we have" and key not in lied
        )
        yield from (
            f"phantom {held.hand_off_id}"
            for held in board.all()
            if held.hand_off_id not in self.cases
        )
        uncertain = lies.union(on_its_way)
        for case_id, last in newest.items():
            certain = (one for one in range(1, last + 1) if f"{case_id}.{one}" not in uncertain)
            honest, held = max(certain, default=0), board.held(case_id)
            got = held.revision if held else 0
            if got != honest and f"{case_id}.{got}" not in on_its_way:
                yield f"has revision {got} of {case_id}, not {honest}"
            elif held and held.packet != hand_offs.packet(self.conn, self.sealer, case_id, got):
                yield f"has other words in {case_id}"

    def _ends(self) -> list[str]:
        """A case must have ended in one class of the ledger, or have a timer."""
        counted = tally(
            (one.status, one.outcome, one.unserved, one.cases) for one in ledger.counted(self.conn)
        )
        self.town.counts["cases ended"] = sum(
            row.closed_at is not None for row in self.cases.values()
        )
        wrong = [f"{many} in no class: {columns}" for columns, many in counted.unplaced.items()]
        if counted.difference:
            wrong.append(f"the ledger does not reconcile: {counted.difference}")
        return wrong + [
            f"nobody looks after {row.id}: {row.status}"
            for row in self.cases.values()
            if row.closed_at is None and not row.due_at
        ]

    def _pages(self) -> list[str]:
        """A page by text must be one text. A page by call must be one call, unless a call to them
        about that case was still under way."""
        asked = Counter(
            (row.case_id, row.person, self._by(row)) for row in self.conn.execute(sa.select(page))
        )
        # for a caller on the line, people are called who would otherwise be texted
        asked = _together(asked, self.called)
        self.town.counts["pages"] = sum(asked.values())
        made = Counter(
            (row.case_id, row.person, "text")
            for row in self.by_rest
            if row.keys in ("page.text", "page.again", "page.surge")
        )
        made += Counter(
            (row.case_id, row.person, "call") for row in self.calls if row.person and row.page_id
        )
        made = _together(made, self.called)
        # a call without a page (whoever has the case is called again) replaces a page that comes
        # while it rings
        rung = {(row.case_id, row.person) for row in self.calls if row.person and not row.page_id}
        twice = Counter(row.page_id for row in self.calls if row.page_id)
        return [f"{many} calls for one page" for many in twice.values() if many > 1] + [
            f"{asked[one]} pages by {one[2]} to {one[1]} for {one[0]}, {made[one]} kept"
            for one in asked | made
            if not (
                made[one] == asked[one]
                if one[2] == "text"
                else (one[:2] not in rung) <= made[one] <= asked[one]
            )
        ]

    def _by(self, row: sa.Row[Any]) -> str:
        """The channel of a page: as its own ladder asks this person, else the first ladder that has
        them."""
        asked = (*(rung for rung in self.ladder if rung.ladder == row.ladder), *self.ladder)
        return next(rung.by for rung in asked if rung.name == row.person)

    def _calls(self) -> list[str]:
        """Each call that was made must have rung once; a call with an unknown outcome may have rung
        once, or not at all."""
        rang: dict[str, list[Call]] = {}
        for made in self.town.calling.calls():
            if made.direction == "inbound":
                continue
            rang.setdefault(made.receiver, []).append(made)
        self.town.counts["calls"] = sum(map(len, rang.values()))
        ours = Counter(row.provider_id for row in self.calls if row.provider_id)
        there = {made.sid for mine in rang.values() for made in mine}
        wrong = [
            f"{many} calls are {sid}" for sid, many in ours.items() if many > 1 or sid not in there
        ]
        for number, mine in rang.items():
            rows = [
                row
                for row in self.calls
                if self.numbers[row.person or self.cases[row.case_id].contact_id] == number
            ]
            most, least = (
                sum(row.tries > 0 for row in rows),
                sum(row.provider_id is not None for row in rows),
            )
            if not least <= len(mine) <= most:
                wrong.append(f"{len(mine)} calls to one phone, {least} to {most} kept")
            wrong += [
                f"{later.sid} rang while {sooner.sid} was {sooner.status}"
                for sooner, later in pairwise(mine)
                if sooner.ended is None or sooner.ended > later.at
            ]
        return wrong

    def _unasked(self) -> list[str]:
        """Texts are compared by number and words: the provider's list has no id of ours, so two
        identical texts may be swapped."""
        # may or may not have reached the phone
        unsure = (*UNSENT, TextState.HELD, TextState.OVERTAKEN, TextState.DEAD)
        got = [
            (text, (text.receiver, text.words))
            for text in self.town.exchange.texts()
            if text.direction == "outbound-api"
        ]
        rows = [
            (row, (self.numbers[row.person or row.contact_id], self._said(row)))
            for row in self.by_rest
        ]
        there, most = Counter(key for _, key in got), Counter(key for _, key in rows)
        least = Counter(key for row, key in rows if row.state not in unsure)

        def told(wrong: tuple[str, str]) -> str:
            sent = [
                f"{text.at:%M:%S.%f} {text.sid} for {text.callback[-4:]}"
                for text, key in got
                if key == wrong
            ]
            kept = [
                f"{row.id[-4:]} {row.at:%M:%S.%f} {row.state} {row.tries} {row.error or ''}"
                for row, key in rows
                if key == wrong
            ]
            counts = f"{there[wrong]} on a phone, {least[wrong]} to {most[wrong]} kept"
            return f"{counts}: phone {sent}, kept {kept}"

        wrong = [told(key) for key in there | most if not least[key] <= there[key] <= most[key]]
        # What will be tried again later counts as on its way, however slow the machine is.
        stuck = self.ended - ON_ITS_WAY
        return wrong + [
            f"{row.state} since {row.at:%H:%M:%S}: {row.id}"
            for row in self.by_rest
            if row.state in UNSENT and (row.next_at or row.at) < stuck
        ]

    def _updates(self) -> list[str]:
        """For each case, an update must never repeat the one before. If somebody takes a case,
        gives it back and takes it again, each is reported, even if the update in between was lost.
        An update that failed may be repeated when texts arrive again."""
        updates: dict[str, list[str]] = {}
        for row in sorted(self.messages, key=lambda row: str(row.id)):
            unasked = row.direction == "out" and not row.answers and not row.person
            if not unasked or not row.keys.startswith("status."):
                continue
            every, lost = updates.setdefault(row.case_id, []), row.state in messages.NEVER_SEEN
            if not lost:
                every.append(row.keys)
            elif every and every[-1] != row.keys:
                every.append(f"lost {row.keys}")
            self.town.counts["updates"] += not lost
        return [
            f"twice in a row {keys} for {case_id}"
            for case_id, every in updates.items()
            for before, keys in pairwise(every)
            if before == keys
        ]
