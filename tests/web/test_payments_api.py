"""Payments that a program records by HTTP: once whatever it repeats, for its organisation alone, and told by rate."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from faitfoi.accounts.models import Organisation
from faitfoi.accounts.tenancy import acting_for
from faitfoi.einvoice.cdar import read_cdar
from faitfoi.einvoice.cdar_rules import check_cdar
from faitfoi.pipeline import acting
from faitfoi.pipeline.mail_calls import doors_of, open_door
from faitfoi.pipeline.rollback import JournalBehind, stop
from faitfoi.pipeline.tokens import CannotMake, make_token, revoke_token, tokens_of
from faitfoi.records.models import Act, JournalEntry, Payment
from faitfoi.records.stages import Stage
from tests.pipeline.cast import ACTOR, FARMER, Scene, file, invoice
from tests.pipeline.conftest import portal, relay, scene, typist
from tests.pipeline.pa_scene import Platform, open_platform
from tests.pipeline.typist import Typist

__all__ = ["portal", "relay", "scene", "typist"]

pytestmark = pytest.mark.django_db(transaction=True)

F = "F-2026-501"
ADDRESS = "/api/v1/payments"
PAID = {"invoice": F, "paid_on": "2026-11-20", "amount": "57.60"}
TWO_RATES = {"parts": [{"rate": "20", "amount": "24.00"}, {"rate": "5.5", "amount": "21.10"}], "amount": "45.10"}


@pytest.fixture
def platform(scene: Scene) -> Iterator[Platform]:
    yield from open_platform(scene)


@pytest.fixture
def sent(scene: Scene, platform: Platform) -> Platform:
    """An invoice of two rates that the platform has."""
    lines = [
        {**invoice(F)["lines"][0], "identifier": str(n), "vat": {"category": "S", "rate": rate}, "price": {"net": "20"}}
        for n, rate in enumerate(("20", "5.5"), start=1)
    ]
    hand_over(scene, platform, file(F, FARMER, lines=lines))
    return platform


@pytest.fixture
def token(scene: Scene) -> str:
    return make_token(scene.organisation, "banque", actor=ACTOR)


def hand_over(scene: Scene, platform: Platform, content: bytes) -> None:
    scene.send(content)
    platform.pass_time(hours=2)
    platform.collect()


def post(token: str, told: Any, *, key: str = "virement-1", raw: bytes | None = None) -> tuple[int, dict[str, Any]]:
    """Call the address as a program does: no cookie, no CSRF token. Returns the status and the JSON that came back."""
    headers: Mapping[str, str] = {"Authorization": f"Bearer {token}", **({"Idempotency-Key": key} if key else {})}
    body = json.dumps(told).encode() if raw is None else raw
    answer = Client(enforce_csrf_checks=True).post(ADDRESS, body, content_type="application/json", headers=headers)
    assert not answer.cookies
    return answer.status_code, answer.json()


def get(token: str, **query: str) -> tuple[int, dict[str, Any]]:
    answer = Client().get(ADDRESS, query, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, answer.json()


def recorded(organisation: Organisation) -> list[Payment]:
    with acting_for(organisation.id):
        return list(Payment.objects.order_by("id"))


def test_a_payment_told_by_a_program_is_declared_by_rate(scene: Scene, sent: Platform, token: str) -> None:
    status, told = post(token, {**PAID, **TWO_RATES, "reference": "VIR 12", "declare": True})
    assert (status, told["declared"], told["parts"]) == (201, True, TWO_RATES["parts"])
    assert "statut 212" in told["message"]
    with acting_for(scene.organisation.id):
        acting.do_acts(scene.organisation.id, list(Act.objects.filter(stage=Stage.ROUTED).values_list("id", flat=True)))
        entry = JournalEntry.objects.get(kind="payment_recorded")
    assert '"program:banque"' in entry.body
    cdar = read_cdar(sent.simulator.state.flow(sent.acts()[0]["flow"]).content)
    assert check_cdar(cdar) == ()
    (reference,) = cdar.references
    assert (reference.code, reference.number, str(cdar.at and cdar.at.date())) == ("212", F, PAID["paid_on"])
    assert {(one.rate, one.amount) for one in reference.details[0].amounts} == {
        (Decimal(20), Decimal("24.00")),
        (Decimal("5.5"), Decimal("21.10")),
    }


def test_a_call_repeated_with_its_key_records_once(scene: Scene, sent: Platform, token: str) -> None:
    first, told = post(token, PAID)
    again, same = post(token, PAID)
    assert (first, again) == (201, 200)
    assert (told["payment"], told["left"]) == (same["payment"], same["left"])
    assert len(recorded(scene.organisation)) == 1
    with acting_for(scene.organisation.id):
        assert Act.objects.count() == 1
    status, told = get(token, invoice=F)
    assert (status, [one["amount"] for one in told["payments"]]) == (200, ["57.60"])


def test_two_calls_at_once_with_one_key_record_once(scene: Scene, sent: Platform, token: str) -> None:
    def call(_: int) -> int:
        try:
            return post(token, PAID)[0]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(call, range(4))) == [200, 200, 200, 201]
    assert len(recorded(scene.organisation)) == 1


def test_two_invoices_at_once_under_one_key_record_one_payment(scene: Scene, sent: Platform, token: str) -> None:
    hand_over(scene, sent, file("F-2026-502", FARMER))

    def call(number: str) -> tuple[int, str]:
        try:
            status, told = post(token, {**PAID, "amount": "10.00", "invoice": number})
            return status, told.get("code", "")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(call, (F, "F-2026-502"))) == [(201, ""), (409, "idempotency_key_reused")]
    assert len(recorded(scene.organisation)) == 1


def test_nothing_is_recorded_while_the_journal_is_not_the_one_its_witnesses_know(
    scene: Scene, sent: Platform, token: str
) -> None:
    stop(JournalBehind("Le journal a été ramené en arrière."))
    status, told = post(token, PAID)
    assert (status, told["code"]) == (503, "stopped")
    assert not recorded(scene.organisation)
    assert get(token, invoice=F)[0] == 200  # reading goes on


def test_a_token_is_shown_once_and_serves_until_it_is_revoked(scene: Scene, sent: Platform, typist: Typist) -> None:
    mine = ("--organisation", scene.organisation.slug)
    made = typist.type("token", "add", "banque", *mine)
    assert made.returncode == 0, made.stderr
    token = made.stdout.strip()
    assert post(token, PAID)[0] == 201
    by_hand = ("payment", "add", F, "--amount", "1.00", "--on", "2026-11-20", "--yes", "--json")
    told = json.loads(typist.type(*by_hand, *mine).stdout.splitlines()[-1])
    assert told.keys() == post(token, PAID)[1].keys() - {"message"}  # both faces say a payment in the same words
    listed = typist.type("token", "list", *mine).stdout
    assert ("banque — ouvert" in listed, "pris en compte" in listed, token in listed) == (True, True, False)
    assert typist.type("token", "add", "banque", *mine).returncode == 2
    assert typist.type("token", "revoke", "banque", *mine).returncode == 0
    assert post(token, PAID, key="virement-2")[0] == 401
    assert typist.type("token", "revoke", "banque", *mine).returncode == 2


@pytest.mark.parametrize(
    "other", [{"amount": "1.00"}, {"paid_on": "2026-11-19"}, {"reference": "autre"}, {"declare": True}, TWO_RATES]
)
def test_a_key_that_has_served_records_no_other_payment(
    scene: Scene, sent: Platform, token: str, other: dict[str, Any]
) -> None:
    post(token, {**PAID, "declare": False})
    status, told = post(token, {**PAID, **other})
    assert (status, told["code"]) == (409, "idempotency_key_reused")
    assert len(recorded(scene.organisation)) == 1


def test_another_key_records_another_payment_up_to_what_is_left(scene: Scene, sent: Platform, token: str) -> None:
    assert post(token, {**PAID, "amount": "60.00"}, key="1")[0] == 201
    status, told = post(token, {**PAID, "amount": "9000.00"}, key="2")
    assert (status, told["code"]) == (422, "cannot_record")
    assert "de trop" in told["message"]
    assert post(token, {**PAID, "amount": "1.00"}, key="3")[0] == 201
    assert len(recorded(scene.organisation)) == 2


def test_no_token_a_wrong_one_and_a_revoked_one_are_told_nothing(scene: Scene, sent: Platform, token: str) -> None:
    door = open_door(scene.organisation, "postmark", actor=ACTOR)
    assert revoke_token(scene.organisation, "banque", actor=ACTOR)
    assert not revoke_token(scene.organisation, "banque", actor=ACTOR)
    answers = [post(given, PAID) for given in ("", "x" * 43, "é", door, token)]
    answers += [get(given, invoice=F) for given in ("x" * 43, token)]
    assert {status for status, _ in answers} == {401}
    assert len({json.dumps(told) for _, told in answers}) == 1
    assert not recorded(scene.organisation)
    (kept,) = tokens_of(scene.organisation)
    assert (kept.call_said, token in str(vars(kept))) == ("revoked", False)
    assert Client().post(f"/appels/courrier/{token}/", b"{}", content_type="application/json").status_code == 404


def test_a_token_opens_its_own_organisation_alone(scene: Scene, sent: Platform, rival: Organisation) -> None:
    theirs = make_token(rival, "banque", actor=ACTOR)  # the same name may serve in two organisations
    unknown = post(theirs, {**PAID, "invoice": "F-PERSONNE"})
    hers = post(theirs, PAID)
    assert (hers[0], hers[1]["code"]) == (404, "invoice_unknown")
    assert hers[1]["message"].replace(F, "") == unknown[1]["message"].replace("F-PERSONNE", "")
    assert post(theirs, {**PAID, "document": str(scene.document(F).pk)})[0] == 404
    assert get(theirs, invoice=F)[0] == 404
    assert not recorded(scene.organisation)
    assert tokens_of(scene.organisation) == doors_of(rival) == []
    assert not revoke_token(scene.organisation, "banque", actor=ACTOR)


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"amount": 57.6}, "bad_value", "amount"),
        ({"amount": 57}, "bad_value", "amount"),
        ({"amount": "57,60"}, "bad_value", "amount"),
        ({"amount": "1e3"}, "bad_value", "amount"),
        ({"amount": "NaN"}, "bad_value", "amount"),
        ({"parts": [{"rate": 20, "amount": "57.60"}]}, "bad_value", "parts[0].rate"),
        ({"parts": [{"rate": "20", "amount": "57.60", "vat": "9.60"}]}, "unknown_field", "parts[0].vat"),
        ({"parts": [["57.60", "20"]]}, "not_json", "parts[0]"),
        ({"parts": "20=57.60"}, "bad_value", "parts"),
        ({"paid_on": "20/11/2026"}, "bad_value", "paid_on"),
        ({"paid_on": "2026-W47-5"}, "bad_value", "paid_on"),
        ({"paid_on": "2026-02-30"}, "bad_value", "paid_on"),
        ({"invoice": "F\u0000"}, "bad_value", "invoice"),
        ({"invoice": "\ud800"}, "bad_value", "invoice"),
        ({"invoice": ""}, "bad_value", "invoice"),
        ({"reference": "x" * 141}, "bad_value", "reference"),
        ({"declare": "oui"}, "bad_value", "declare"),
        ({"document": "12"}, "bad_value", "document"),
        ({"tell": True}, "unknown_field", "tell"),
    ],
)
def test_what_is_not_read_to_the_letter_is_refused_and_named(
    scene: Scene, token: str, changes: dict[str, Any], code: str, field: str
) -> None:
    status, told = post(token, {**PAID, **changes})
    assert (status, told["code"], told["field"]) == (400, code, field)
    assert told["message"].endswith(".")
    assert not recorded(scene.organisation)


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"{", b"\xff", b'{"amount": NaN}', b"[" * 60_000, b'{"amount": "1.00", "amount": "2.00"}'],
    ids=["empty", "list", "cut", "not UTF-8", "NaN", "deep", "twice"],
)
def test_what_is_no_json_object_is_refused(scene: Scene, token: str, raw: bytes) -> None:
    status, told = post(token, None, raw=raw)
    assert (status, told["code"]) == (400, "not_json")


def test_a_call_without_a_key_or_too_long_records_nothing(scene: Scene, sent: Platform, token: str) -> None:
    assert [post(token, PAID, key=key)[1]["code"] for key in ("", "x" * 101)] == ["idempotency_key"] * 2
    assert post(token, PAID, raw=b" " * (64 * 1024 + 1))[0] == 413
    missing = post(token, {name: value for name, value in PAID.items() if name != "amount"})
    assert (missing[0], missing[1]["code"], missing[1]["field"]) == (400, "missing_field", "amount")
    assert not recorded(scene.organisation)
    (kept,) = tokens_of(scene.organisation)
    assert kept.call_said == "refused"


def test_what_was_to_be_declared_and_cannot_be_records_nothing(scene: Scene, sent: Platform, token: str) -> None:
    """By hand a person reads that nothing is declared before they confirm; a program is told instead."""
    sent.say(F, "210", reason="CMD_ERR")
    sent.collect()
    status, told = post(token, {**PAID, "declare": True})
    assert (status, told["code"]) == (409, "cannot_declare")
    assert not recorded(scene.organisation)
    status, told = post(token, PAID)
    assert (status, told["declared"]) == (201, False)
    with acting_for(scene.organisation.id):
        assert not Act.objects.exists()


def test_one_number_in_two_years_asks_which(scene: Scene, sent: Platform, token: str) -> None:
    earlier = file(F, FARMER, issue_date="2025-11-04", due_date="2025-12-04")
    hand_over(scene, sent, earlier)
    status, told = post(token, PAID)
    assert (status, told["code"]) == (409, "invoice_ambiguous")
    assert "04/11/2025" in told["message"]
    assert post(token, {**PAID, "issue_date": "2025-11-04"})[0] == 201
    (payment,) = recorded(scene.organisation)
    assert get(token, invoice=F, document=str(payment.document_id))[1]["payments"][0]["payment"] == str(payment.id)
    assert get(token, invoice=F, issue_date="hier")[0] == 400


def test_a_token_bears_the_name_of_one_program(scene: Scene, token: str) -> None:
    for name in ("banque", "Banque", "ab", "a@b", "x" * 41, "banque-"):
        with pytest.raises(CannotMake):
            make_token(scene.organisation, name, actor=ACTOR)
    assert revoke_token(scene.organisation, "banque", actor=ACTOR)
    anew = make_token(scene.organisation, "banque", actor=ACTOR)
    assert (get(token, invoice=F)[0], get(anew, invoice=F)[0]) == (401, 404)


def test_another_method_is_told_which_ones_there_are(token: str) -> None:
    answer = Client().put(ADDRESS, b"{}", headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["code"]) == (405, "method")
    assert answer.headers["Allow"] == "GET, POST"
    assert "POST" in answer.json()["message"]
