"""What the answer to a deposit at a plateforme agréée leaves certain, status by status and code by code."""

import json

import pytest

from faitfoi.channels.afnor_deposit import judge
from faitfoi.channels.contract import NotSent, OutcomeUnknown, Refused
from faitfoi.channels.http_wire import Reply


def answered(status: int, code: str = "", **more: str) -> Reply:
    told = {**({"errorCode": code} if code else {}), **more}
    return Reply(status=status, content=json.dumps(told).encode())


def test_what_was_taken_gives_a_receipt_with_its_flow() -> None:
    receipt = judge(answered(202, flowId="01K", submittedAt="2026-11-21T09:00:00Z"), about="x", references={"a": "b"})
    assert receipt.references == {"a": "b", "flowId": "01K", "submittedAt": "2026-11-21T09:00:00Z"}


@pytest.mark.parametrize("status", [400, 415, 422])
@pytest.mark.parametrize("code", ["MISSING_TOKEN", "FORBIDDEN_ACCESS", "TOO_MANY_REQUESTS", "RESOURCE_ERROR"])
def test_a_quota_or_a_missing_right_is_never_a_verdict_on_the_document(status: int, code: str) -> None:
    """Complaint G62: it would freeze the invoice."""
    with pytest.raises(NotSent, match=code) as raised:
        judge(answered(status, code), about="la facture F-1", references={})
    assert raised.value.precondition is (code in {"MISSING_TOKEN", "FORBIDDEN_ACCESS"})
    assert raised.value.busy is (code == "TOO_MANY_REQUESTS")


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "MISSING_REQUIRED_FIELD"), (413, "FILE_SIZE_EXCEEDED"), (422, "UNPROCESSABLE_ENTITY"), (415, "")],
)
def test_a_verdict_on_the_document_is_a_refusal(status: int, code: str) -> None:
    with pytest.raises(Refused):
        judge(answered(status, code), about="la facture F-1", references={})


@pytest.mark.parametrize(
    "reply",
    [
        answered(409),
        answered(422, "AlreadyExistingFlow"),
        answered(500, "INTERNAL_ERROR"),
        answered(202),
        answered(202, flowId="é"),
        Reply(status=202, content=b"<html>"),
    ],
)
def test_what_may_have_arrived_is_asked_about(reply: Reply) -> None:
    with pytest.raises(OutcomeUnknown):
        judge(reply, about="la facture F-1", references={})
