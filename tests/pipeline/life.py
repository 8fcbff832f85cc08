"""One organisation's whole life as a state machine: issue, send, hold, eliminate, back up, lose the database, restore.

Beside it a careful reader writes down what a witness has seen, what was held, what went, and reads what the other sides
received from their own records. Each life begins from the same copied database and an empty archive.
"""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from django.conf import settings as live_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from pytest_django import Settings

from faitfoi.accounts.models import User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.shelf import ObjectMissing
from faitfoi.pipeline import archive, elimination, rollback
from faitfoi.pipeline.elimination import (
    CannotEliminate,
    approve_elimination,
    finish_eliminations,
    request_elimination,
    run,
)
from faitfoi.pipeline.examination import examine_installation
from faitfoi.pipeline.holding import apply_holds, lift_hold, place_hold
from faitfoi.pipeline.retention import keep_until
from faitfoi.pipeline.rollback import head, stopped
from faitfoi.pipeline.seal_keys import ensure_seal_key
from faitfoi.pipeline.witnesses import held, log_signer
from faitfoi.records.models import Artefact, BurntNumber, Document, Elimination, Hold, JournalLeaf
from faitfoi.records.series import add_series
from tests.conftest import forget_the_journal
from tests.pipeline.backups import copy_database, drop_copies, governed_restore, put_copy_back
from tests.pipeline.cast import ACTOR, FARMER, TOWN, Scene, invoice
from tests.pipeline.conftest import CHANGED_BY_HAND
from tests.pipeline.projection import differences

TODAY, MUCH_LATER = "2026-11-21", "2037-01-01"
LONG_AGO, LATELY = "2014-05-04", "2026-11-04"
STEPS_OF_AN_ELIMINATION = ("erase_document", "rewrite_pack", "remove_packs", "forget_in_mirror", "attest_elimination")
SCOPES = ("first", "all", "period")


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What every life has in common."""

    scene: Scene
    settings: Settings
    asker: User
    approver: User

    def begin(self) -> None:
        """Write down what each life begins with, and copy the database as it then is."""
        organisation = self.scene.organisation
        ensure_seal_key(organisation)
        with acting_for(organisation.id):
            add_series("S", seller_siren=organisation.siren, pattern="S-{year}-{n}", year=2026, actor=ACTOR)
        copy_database("beginning")

    def set_day(self, day: str) -> None:
        """Be on a legal day, in the layer that `world` made: the fixture adds one each time, a thousand too many."""
        live_settings.FAITFOI_TODAY = day

    def begin_again(self) -> None:
        """Go back to it, with nothing kept anywhere."""
        put_copy_back("beginning")
        forget_the_journal()
        shutil.rmtree(Path(self.settings.FAITFOI_HOME) / "store", ignore_errors=True)
        shutil.rmtree(Path(self.settings.FAITFOI_HOME) / "restore", ignore_errors=True)
        rollback._checked.clear()
        self.set_day(TODAY)
        self.scene.smtp.control.obey("POST /control/reset", {})
        self.scene.chorus._control.obey("POST /control/reset", {})


@dataclass(slots=True, kw_only=True)
class Known:
    """What a careful reader has written down: whose number is whose, what is held and how, what is no more."""

    numbers: dict[str, str] = field(default_factory=dict)
    """The fingerprint of the file that each number was given to."""
    holds: dict[UUID, tuple[str, UUID | None]] = field(default_factory=dict)

    def copy(self) -> "Known":
        return Known(numbers=dict(self.numbers), holds=dict(self.holds))


class Life(RuleBasedStateMachine):
    """Every rule takes one step; one that has nothing to act on changes nothing."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.world.begin_again()
        self.scene = self.world.scene
        self.organisation_id = self.scene.organisation.id
        self.asker, self.approver = f"user:{self.world.asker.pk}", f"user:{self.world.approver.pk}"
        self.day = date.fromisoformat(TODAY)
        self.files: list[bytes] = []
        self.known, self.seen, self.saved = Known(), Known(), False
        self.gone: set[str] = set()
        self.going: set[str] = set()
        self.behind = False

    # What people do.

    @rule(day=st.sampled_from([LONG_AGO, LATELY]), public=st.booleans(), from_series=st.booleans())
    def issue(self, day: str, *, public: bool, from_series: bool) -> None:
        """Hand over a new invoice, under a number of its own or one that a series gives."""
        mark = len(self.files) + 1
        number = "" if from_series else f"N-{mark}"
        buyer = TOWN if public and day == LATELY else FARMER
        made = invoice(number, buyer, issue_date=day, purchase_order_reference=f"mark-{mark}")
        self.files.append(json.dumps(made).encode())
        self._hand_over(self.files[-1])

    @precondition(lambda self: self.files)
    @rule(which=st.integers(min_value=0, max_value=30))
    def hand_over_again(self, which: int) -> None:
        """Hand over a file of before."""
        self._hand_over(self.files[which % len(self.files)])

    def _hand_over(self, content: bytes) -> None:
        before = self._numbers()
        self.scene.prepare(self.scene.hand_over(content))
        after = self._numbers()
        if self.behind:
            assert after == before, "a number was given while the database is behind"
        self._note(after)

    @precondition(lambda self: self.files)
    @rule()
    def send(self) -> None:
        """Try every delivery."""
        before = self._received()
        self.scene.deliver()
        if self.behind:
            assert self._received() == before, "something left while the database is behind"

    @precondition(lambda self: self.seen.numbers)
    @rule()
    def ask(self) -> None:
        """Ask Chorus Pro about what may have left."""
        self.scene.advance(minutes=24 * 60)
        self.scene.ask()

    @precondition(lambda self: self.files)
    @rule(scope=st.sampled_from(SCOPES))
    def hold(self, scope: str) -> None:
        """Hold one document, a period, or everything."""
        documents = self._documents()
        if not documents:
            return
        document_id = documents[0].id if scope == "first" else None
        period = (date(2014, 1, 1), date(2014, 12, 31)) if scope == "period" else None
        placed = place_hold(
            self.organisation_id, reason="Litige.", actor=self.asker, document_id=document_id, period=period
        )
        if not self.behind:
            self.known.holds[placed.id] = (scope, document_id)

    @precondition(lambda self: self.known.holds)
    @rule()
    def lift(self) -> None:
        """Have another person lift the oldest hold."""
        if holds := self._holds():
            lift_hold(self.organisation_id, holds[0].id, reason="Fini.", actor=self.approver)
            self.known.holds.pop(holds[0].id, None)

    @rule(day=st.sampled_from([TODAY, MUCH_LATER]))
    def let_time_pass(self, day: str) -> None:
        """Be before the terms, or after them."""
        self.day = date.fromisoformat(day)
        self.world.set_day(day)

    @precondition(lambda self: self.known.numbers)
    @rule(which=st.integers(min_value=0, max_value=30), killed=st.sampled_from(("", *STEPS_OF_AN_ELIMINATION)))
    def eliminate(self, which: int, killed: str) -> None:
        """Ask and approve; then do it, or be killed after one of its steps."""
        documents = self._documents()
        if not documents:
            return
        document = documents[which % len(documents)]
        protected = self._protected(document)
        try:
            asked = request_elimination(self.organisation_id, [document.id], reason="Terme.", actor=self.asker)
            approved = approve_elimination(self.organisation_id, asked.id, actor=self.approver)
        except CannotEliminate:
            return
        assert not protected, f"{document.number} was held or had not expired"
        assert not self.behind, "an elimination was approved while the database is behind"
        self.going.add(document.number)
        if not killed:
            run(self.organisation_id, approved.id, actor="worker")
        else:
            self._killed_after(killed, approved)
        self._note_gone()

    def _killed_after(self, step: str, approved: Elimination) -> None:
        real = getattr(elimination, step)

        def then_killed(*args: object, **more: object) -> None:
            real(*args, **more)
            raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as dying:
            dying.setattr(elimination, step, then_killed)
            with pytest.raises(KeyboardInterrupt):
                run(self.organisation_id, approved.id, actor="worker")

    @precondition(lambda self: self.going - self.gone)
    @rule()
    def finish(self) -> None:
        """Take up what was stopped, as the timetable does: never while the database is behind."""
        if not self.behind:
            apply_holds(self.organisation_id)
            finish_eliminations(self.organisation_id, actor="worker")
            self._note_gone()

    @precondition(lambda self: self.files)
    @rule()
    def back_up(self) -> None:
        """Copy the database, as it stands."""
        copy_database("backup")
        self.saved = True

    @precondition(lambda self: self.saved)
    @rule()
    def lose_the_database(self) -> None:
        """Put the backup in its place."""
        put_copy_back("backup")
        furthest = held().furthest(log_signer().verifier)
        self.behind = furthest is not None and furthest.size > head().size
        assert bool(stopped()) == self.behind
        # What no witness had seen had not left the house: it may be gone, and is done anew.
        self.known = self.seen.copy()
        if not self.behind:
            self._hold_to_what_was_seen()

    @precondition(lambda self: self.behind)
    @rule()
    def bring_it_back(self) -> None:
        """Restore under the eyes of two people: everything that a witness had seen is there again."""
        governed_restore(self.world.asker, self.world.approver)
        self.behind = False
        assert not stopped()
        self._hold_to_what_was_seen()

    def _hold_to_what_was_seen(self) -> None:
        numbers, holds = self._numbers(), {hold.id: hold for hold in self._holds()}
        assert self.seen.numbers.items() <= numbers.items(), "a number that a witness saw is not there"
        assert self.known.holds.keys() <= holds.keys(), "a hold that a witness saw is not there"
        self._note(numbers)
        scopes = {Hold.Scope.DOCUMENT: "first", Hold.Scope.PERIOD: "period"}
        self.known.holds = {
            hold.id: (scopes.get(Hold.Scope(hold.scope), "all"), hold.document_id) for hold in holds.values()
        }
        self.going |= {each.number for each in self._documents() if each.eliminated_at} - self.gone
        self._note_gone()

    # What must hold.

    @invariant()
    def nothing_is_sent_twice(self) -> None:
        assert [each for each, times in self._received().items() if times > 1] == []

    @invariant()
    def what_a_witness_saw_is_written_down(self) -> None:
        """Not a promise: where the reader learns what may be counted on from now on."""
        furthest = held().furthest(log_signer().verifier)
        all_numbered = not JournalLeaf.objects.filter(index=None).exists()
        if not self.behind and furthest is not None and furthest.size == head().size and all_numbered:
            self.seen = self.known.copy()
        self.seen.holds = dict(self.known.holds)  # a hold is shown to the witnesses when it is placed

    @invariant()
    def what_left_is_known(self) -> None:
        if not self.behind:
            assert {number for _, number in self._received()} <= self._numbers().keys()

    @invariant()
    def what_is_gone_is_what_was_approved(self) -> None:
        if not self.behind:
            eliminated = {document.number for document in self._documents() if document.eliminated_at}
            assert self.gone <= eliminated <= self.gone | self.going

    def teardown(self) -> None:
        """Bring everything back and hold the whole archive to what was written down."""
        if self.behind:
            self.bring_it_back()
        self.finish()
        self.nothing_is_sent_twice()
        told = [each for each in differences(self.organisation_id) if not each.startswith(CHANGED_BY_HAND)]
        assert told == []
        with acting_for(self.organisation_id):
            artefacts = list(Artefact.objects.select_related("document"))
        for artefact in artefacts:
            if artefact.document.number in self.gone:
                with pytest.raises(ObjectMissing):
                    archive.fetch(self.organisation_id, artefact.sha256)
            elif artefact.document.number not in self.going:
                assert archive.fetch(self.organisation_id, artefact.sha256)
        assert [each.sentence for each in examine_installation().problems] == []

    # What is read.

    def _note(self, numbers: dict[str, str]) -> None:
        for number, original in numbers.items():
            assert self.known.numbers.get(number, original) == original, f"{number} was given twice"
        self.known.numbers |= numbers

    def _note_gone(self) -> None:
        with acting_for(self.organisation_id):
            done = Elimination.objects.filter(state=Elimination.State.DONE)
            self.gone |= set(done.values_list("items__document__number", flat=True))

    def _protected(self, document: Document) -> bool:
        def covers(scope: str, document_id: UUID | None) -> bool:
            return {
                "first": document_id == document.id,
                "period": document.issue_date.year == 2014,
                "all": True,
            }[scope]

        if any(covers(*each) for each in self.known.holds.values()):
            return True
        with acting_for(self.organisation_id):
            return self.day <= keep_until(self.scene.organisation, document.issue_date)

    def _documents(self) -> list[Document]:
        with acting_for(self.organisation_id):
            return list(Document.objects.order_by("id"))

    def _holds(self) -> list[Hold]:
        with acting_for(self.organisation_id):
            return list(Hold.objects.filter(lifted_at=None).order_by("id"))

    def _numbers(self) -> dict[str, str]:
        with acting_for(self.organisation_id):
            return dict(BurntNumber.objects.values_list("number", "original_sha256"))

    def _received(self) -> Counter[tuple[str, str]]:
        """How many times each number arrived, by the other sides' own records."""
        mailed = [
            ("mail", Path(each.filename).stem.removeprefix("facture-"))
            for one in self.scene.smtp.received
            for each in one.attachments
        ]
        return Counter([*mailed, *(("deposit", number) for _, number in self.scene.deposits())])


@pytest.fixture
def world(scene: Scene, alice: User, bob: User, settings: Settings, owner_known: None) -> Iterator[World]:
    """An organisation at the beginning of its life, to which each life comes back."""
    made = World(scene=scene, settings=settings, asker=alice, approver=bob)
    settings.FAITFOI_TODAY = TODAY
    made.begin()
    yield made
    drop_copies("beginning", "backup")


def lives_in(world: World) -> type[Life]:
    """The machine whose lives are played in a world."""
    return type("LifeThere", (Life,), {"world": world})
