"""The address by which other programs record payments: a token says whose they are, JSON goes in and comes out."""

from datetime import date
from http import HTTPStatus
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from faitfoi.pipeline.doors import note_call
from faitfoi.pipeline.payment_calls import payments_of, take_order
from faitfoi.pipeline.payment_orders import CallRefused, read_day, read_identifier, read_order, read_text
from faitfoi.pipeline.tokens import token_of
from faitfoi.records.models import WebhookDoor
from faitfoi.web.weight import outweighs

MOST_BYTES = 64 * 1024
STATUS = {
    "token": HTTPStatus.UNAUTHORIZED,
    "method": HTTPStatus.METHOD_NOT_ALLOWED,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "invoice_unknown": HTTPStatus.NOT_FOUND,
    "invoice_ambiguous": HTTPStatus.CONFLICT,
    "idempotency_key_reused": HTTPStatus.CONFLICT,
    "cannot_declare": HTTPStatus.CONFLICT,
    "cannot_record": HTTPStatus.UNPROCESSABLE_ENTITY,
    "stopped": HTTPStatus.SERVICE_UNAVAILABLE,
}
"""The status of each code; 400 of those that are not here."""


@csrf_exempt  # the caller has no session and no cookie: the token that it sends itself says whose the call is
def payments(request: HttpRequest) -> HttpResponse:
    """Record a payment (POST: 201, or 200 when this key has recorded it already), or list an invoice's (GET)."""
    token = token_of(request.headers.get("Authorization", ""))
    if token is None:
        sentence = "Le jeton manque ou ne vaut rien : envoyez « Authorization: Bearer … » (faitfoi token add)."
        answer = _refusal(CallRefused(sentence, code="token"))
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    try:
        match request.method:
            case "POST":
                answer = _post(request, token)
            case "GET":
                answer = _get(request, token)
            case _:
                raise CallRefused("Appelez par POST pour enregistrer un paiement, par GET pour lire.", code="method")
    except CallRefused as refused:
        answer = _refusal(refused)
    note_call(token, "kept" if answer.status_code < HTTPStatus.BAD_REQUEST else "refused")
    return answer


def _post(request: HttpRequest, token: WebhookDoor) -> JsonResponse:
    if outweighs(request, MOST_BYTES):
        raise CallRefused("Le corps de l’appel dépasse 64 ko : un appel porte un seul paiement.", code="too_large")
    told, is_new = take_order(token, read_order(request.body, request.headers.get("Idempotency-Key", "")))
    return _answer(told, HTTPStatus.CREATED if is_new else HTTPStatus.OK)


def _get(request: HttpRequest, token: WebhookDoor) -> JsonResponse:
    day, identifier = request.GET.get("issue_date"), request.GET.get("document")
    issue_date: date | None = None if day is None else read_day(day, "issue_date")
    document: UUID | None = None if identifier is None else read_identifier(identifier)
    number = read_text(request.GET.get("invoice", ""), "invoice")
    return _answer(payments_of(token, number, issue_date=issue_date, document=document), HTTPStatus.OK)


def _refusal(refused: CallRefused) -> JsonResponse:
    told: dict[str, object] = {"code": refused.code, "field": refused.field, "message": str(refused)}
    answer = _answer(told, STATUS.get(refused.code, HTTPStatus.BAD_REQUEST))
    if refused.code == "method":
        answer.headers["Allow"] = "GET, POST"
    return answer


def _answer(told: dict[str, object], status: HTTPStatus) -> JsonResponse:
    # Accents as they are: sentences are read by people, in logs and terminals.
    return JsonResponse(told, status=status, json_dumps_params={"ensure_ascii": False})
