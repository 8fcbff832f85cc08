"""Whatever is issued, sent, held, lifted and eliminated, in any order: nothing protected goes, nothing is reused."""

from datetime import date

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from faitfoi.accounts.models import Role, User
from faitfoi.accounts.tenancy import acting_for
from faitfoi.evidence.shelf import ObjectMissing
from faitfoi.pipeline import archive
from faitfoi.pipeline.elimination import CannotEliminate, approve_elimination, request_elimination, run
from faitfoi.pipeline.examination import examine_installation
from faitfoi.pipeline.holding import holds_in_force, holds_over, lift_hold, place_hold
from faitfoi.pipeline.retention import keep_until
from faitfoi.records.models import Artefact, BurntNumber, Document
from tests.conftest import make_member
from tests.pipeline.cast import Scene, file

pytestmark = pytest.mark.django_db(transaction=True)

# A place for `restore`: a step that gives back what the journal's mirror holds belongs in this list.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("issue"), st.sampled_from(["2014-05-04", "2026-11-04"])),
        st.tuples(st.just("send"), st.just("")),
        st.tuples(st.just("hold"), st.sampled_from(["first", "all", "period"])),
        st.tuples(st.just("lift"), st.just("")),
        st.tuples(st.just("eliminate"), st.sampled_from(["first", "last"])),
        st.tuples(st.just("later"), st.sampled_from(["2026-11-21", "2037-01-01"])),
    ),
    min_size=3,
    max_size=9,
)


class Life:
    """The organisation, and what a careful reader would have written down of it."""

    def __init__(self, scene: Scene, days: Settings, asker: str, approver: str) -> None:
        self.scene, self.days, self.asker, self.approver = scene, days, asker, approver
        self.day = date(2026, 11, 21)
        self.gone: set[str] = set()

    @property
    def documents(self) -> list[Document]:
        with acting_for(self.scene.organisation.id):
            return list(Document.objects.order_by("number"))

    def do(self, step: str, how: str) -> None:
        """Take one step; one that has nothing to act on changes nothing."""
        organisation_id, documents = self.scene.organisation.id, self.documents
        match step:
            case "issue":
                number = f"F-{len(documents) + 1}"
                self.scene.prepare(self.scene.hand_over(file(number, issue_date=how)))
            case "send":
                self.scene.deliver()
            case "hold" if documents:
                covered = {
                    "first": {"document_id": documents[0].id},
                    "all": {},
                    "period": {"period": (date(2014, 1, 1), date(2014, 12, 31))},
                }[how]
                place_hold(organisation_id, reason="Litige.", actor=self.asker, **covered)  # type: ignore[arg-type]
            case "lift":
                with acting_for(organisation_id):
                    holds = holds_in_force()
                if holds:
                    lift_hold(organisation_id, holds[0].id, reason="Fini.", actor=self.approver)
            case "later":
                self.day = date.fromisoformat(how)
                self.days.FAITFOI_TODAY = how
            case "eliminate" if documents:
                self.eliminate(documents[0 if how == "first" else -1])

    def eliminate(self, document: Document) -> None:
        """Ask and approve; what must be refused is refused, and what goes is written down."""
        organisation_id = self.scene.organisation.id
        with acting_for(organisation_id):
            protected = bool(holds_over(document)) or self.day <= keep_until(
                self.scene.organisation, document.issue_date
            )
        try:
            asked = request_elimination(organisation_id, [document.id], reason="Terme.", actor=self.asker)
            approve_elimination(organisation_id, asked.id, actor=self.approver)
        except CannotEliminate:
            return
        assert not protected, f"{document.number} was held or had not expired"
        run(organisation_id, asked.id, actor="worker")
        self.gone.add(document.number)

    def check(self) -> None:
        """Hold the archive to what was written down."""
        with acting_for(self.scene.organisation.id):
            numbers = list(BurntNumber.objects.values_list("number", flat=True))
            artefacts = list(Artefact.objects.select_related("document"))
            eliminated = set(Document.objects.exclude(eliminated_at=None).values_list("number", flat=True))
        assert len(numbers) == len(set(numbers)) == len(self.documents)
        assert eliminated == self.gone
        for artefact in artefacts:
            if artefact.document.number in self.gone:
                with pytest.raises(ObjectMissing):
                    archive.fetch(artefact.organisation_id, artefact.sha256)
            else:
                assert archive.fetch(artefact.organisation_id, artefact.sha256)
        assert examine_installation().problems == ()


def test_nothing_protected_ever_goes(scene: Scene, alice: User, settings: Settings) -> None:
    manager = make_member(scene.organisation, "dora@trois-vallees.example", role=Role.MANAGER)
    life = Life(scene, settings, f"user:{alice.pk}", f"user:{manager.pk}")
    seen: list[str] = []

    @given(steps=STEPS)
    @_few
    def walk(steps: list[tuple[str, str]]) -> None:
        # One archive for all walks: each goes on where the last one stopped, as a life does.
        for step, how in steps:
            life.do(step, how)
            seen.append(step)
        life.check()

    # What every life has, whatever the walks are.
    for step, how in (
        ("issue", "2014-05-04"),
        ("eliminate", "first"),
        ("send", ""),
        ("hold", "first"),
        ("eliminate", "first"),
        ("lift", ""),
        ("eliminate", "first"),
    ):
        life.do(step, how)
    life.check()
    assert life.gone == {"F-1"}
    walk()
    assert seen


_few = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.function_scoped_fixture),
)
