"""What we ask of a plateforme agréée and what its simulator answers are those of the official description (1.3.0).

Three known defects of the description are mended first (French contracts §2.1): `ReasonCode` is read as anyOf, the
status of a directory line may be longer than 7, and the list of webhooks is named `webhooks`.
"""

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft4Validator
from lxml import etree

from faitfoi.channels.afnor_directory import Reach
from faitfoi.channels.afnor_pa import PlateformeAgreee
from faitfoi.channels.afnor_webhooks import create, listed, read_call
from faitfoi.channels.contract import Act, Attachment, Found, NotFound
from faitfoi.channels.http_wire import Reply, Request, Wire
from faitfoi.einvoice.cdar import read_cdar
from faitfoi.einvoice.cdar_codes import SELLER_STATUSES
from faitfoi.einvoice.cdar_rules import check_cdar
from faitfoi.einvoice.conversion import Target, convert
from faitfoi.einvoice.reading import read
from faitfoi.simulators.afnor import AfnorSimulator
from tests.channels.chorus_documents import Bill, cii, facturx
from tests.channels.chorus_rig import parcel

XSD = (
    Path(os.environ.get("FAITFOI_SHARED") or Path(__file__).parents[3] / "shared")
    / "contracts/xsd/cdar_d22b/CrossDomainAcknowledgementAndResponse_100pD22B.xsd"
)
OPENAPI = Path(os.environ.get("FAITFOI_SHARED") or Path(__file__).parents[3] / "shared") / "contracts" / "openapi"
pytestmark = pytest.mark.skipif(not OPENAPI.is_dir(), reason="the shared OpenAPI files are not here")


def mended(service: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((OPENAPI / f"afnor_{service}_service_1.3.0.openapi.json").read_text())
    schemas = told["components"]["schemas"]
    if service == "flow":
        schemas["ReasonCode"]["anyOf"] = schemas["ReasonCode"].pop("oneOf")
        listed = told["components"]["responses"]["WebhookListResponse"]["content"]["application/json"]["schema"]
        listed["required"] = ["webhooks"]
    else:
        del schemas["directoryLineStatus"]["maxLength"], schemas["uniqueDirectoryLineStatus"]["maxLength"]
    return told


def check(document: dict[str, Any], schema: dict[str, Any], value: object) -> None:
    whole = {"components": document["components"], **schema}
    errors = [error.message for error in Draft4Validator(whole).iter_errors(value)]
    assert errors == []


class Tape:
    """Every exchange of a connection with the simulator."""

    def __init__(self) -> None:
        self.exchanges: list[tuple[Request, Reply]] = []


@pytest.fixture
def tape(monkeypatch: pytest.MonkeyPatch) -> Tape:
    made = Tape()
    through = Wire._exchange

    def noted(self: Wire, client: httpx.Client, request: Request, **more: Any) -> Reply:
        reply = through(self, client, request, **more)
        made.exchanges.append((request, reply))
        return reply

    monkeypatch.setattr(Wire, "_exchange", noted)
    return made


@pytest.fixture
def simulator() -> Iterator[AfnorSimulator]:
    made = AfnorSimulator()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def channel(simulator: AfnorSimulator) -> Iterator[PlateformeAgreee]:
    made = PlateformeAgreee(simulator.settings())
    yield made
    made.close()


def test_the_conversation_is_that_of_the_official_description(
    simulator: AfnorSimulator, channel: PlateformeAgreee, tape: Tape
) -> None:
    document = mended("flow")
    names = {"$ref": "#/components/schemas/{}"}
    one = parcel(Bill())
    channel.send(one)
    simulator._control.obey("POST /control/advance", {"seconds": 864000.0})
    channel.find(one)
    assert channel.collect("").news
    deposit, search, listing, *fetched = [
        (request, reply) for request, reply in tape.exchanges if "/flow-service/" in request.url
    ]
    info = deposit[0].content.split(b"\r\n\r\n", 2)[1].split(b"\r\n--", 1)[0]
    check(document, {"$ref": names["$ref"].format("FlowInfo")}, json.loads(info))
    assert deposit[1].status == 202
    check(document, {"$ref": names["$ref"].format("FullFlowInfo")}, json.loads(deposit[1].content))
    for request, reply in (search, listing):
        check(document, {"$ref": names["$ref"].format("SearchFlowParams")}, json.loads(request.content))
        check(document, {"$ref": names["$ref"].format("SearchFlowContent")}, json.loads(reply.content))
    assert fetched
    assert all(request.url.endswith("?docType=Original") for request, _ in fetched)


@pytest.mark.parametrize("status", sorted(SELLER_STATUSES))
def test_every_status_of_ours_is_handed_over_as_described_and_passes_schema_and_rules(
    simulator: AfnorSimulator, channel: PlateformeAgreee, tape: Tape, status: str
) -> None:
    document = mended("flow")
    schema = etree.XMLSchema(etree.parse(XSD))
    one = parcel(Bill())
    channel.send(one)
    values = {
        "type_code": "380",
        "seller_siren": one.seller_siret[:9],
        "buyer_siren": "000000034",
        "buyer_address": "000000034",
        "note": "Une phrase « entre guillemets » & une esperluette.",
    }
    if status == "212":
        paid = {"amounts": '[["120.00", "20"], ["-10.55", "5.5"]]', "currency": "EUR", "paid_on": "2026-11-20"}
        values |= paid
    tape.exchanges.clear()
    channel.act(one, Act(key=f"act-{status}", kind=status, at=datetime(2026, 11, 21, 9, tzinfo=UTC), values=values))
    ((request, reply),) = [each for each in tape.exchanges if each[0].url.endswith("/v1/flows")]
    told, message = (part.split(b"\r\n--", 1)[0] for part in request.content.split(b"Content-Type: ")[1:3])
    info, content = told.split(b"\r\n\r\n", 1)[1], message.split(b"\r\n\r\n", 1)[1]
    check(document, {"$ref": "#/components/schemas/FlowInfo"}, json.loads(info))
    check(document, {"$ref": "#/components/schemas/FullFlowInfo"}, json.loads(reply.content))
    assert json.loads(info)["sha256"] == hashlib.sha256(content).hexdigest()
    schema.assertValid(etree.fromstring(content))
    cdar = read_cdar(content)
    assert check_cdar(cdar) == ()
    (reference,) = cdar.references
    assert reference.code == status
    amounts = [(f"{each.amount}", f"{each.rate}") for detail in reference.details for each in detail.amounts]
    assert amounts == ([("120.00", "20"), ("-10.55", "5.5")] if status == "212" else [])
    # Undisclosed factoring must never reach the buyer.
    assert [party.role for party in cdar.recipients] == ["WK" if status == "226" else "BY"]


def in_syntax(syntax: str) -> Attachment:
    """The same invoice as each syntax says it."""
    if syntax == "Factur-X":
        return Attachment(filename="facture.pdf", media_type="application/pdf", content=facturx(Bill()))
    content = cii(Bill())
    if syntax == "UBL":
        content = convert(read(content).invoice, Target.UBL).content
    return Attachment(filename=f"facture-{syntax.lower()}.xml", media_type="application/xml", content=content)


@pytest.mark.parametrize("syntax", ["Factur-X", "CII", "UBL"])
@pytest.mark.parametrize("rule", ["B2B", "B2BInt", "OutOfScope", "ArchiveOnly", ""])
def test_a_flow_of_each_syntax_is_handed_over_as_described(
    channel: PlateformeAgreee, tape: Tape, syntax: str, rule: str
) -> None:
    document = mended("flow")
    one = replace(parcel(Bill()), artefact=in_syntax(syntax), processing_rule=rule)
    receipt = channel.send(one)
    ((request, reply),) = [each for each in tape.exchanges if each[0].url.endswith("/v1/flows")]
    told = json.loads(request.content.split(b"\r\n\r\n", 2)[1].split(b"\r\n--", 1)[0])
    check(document, {"$ref": "#/components/schemas/FlowInfo"}, told)
    check(document, {"$ref": "#/components/schemas/FullFlowInfo"}, json.loads(reply.content))
    assert (told["flowSyntax"], told.get("processingRule", "")) == (syntax, rule)
    assert told["sha256"] == hashlib.sha256(one.artefact.content).hexdigest()
    assert one.artefact.content in request.content
    assert {name: receipt.references[name] for name in ("sha256", "trackingId", "flowSyntax")} == {
        "sha256": told["sha256"],
        "trackingId": one.message_ref,
        "flowSyntax": syntax,
    }


def test_the_directory_is_asked_and_answers_as_described(
    simulator: AfnorSimulator, channel: PlateformeAgreee, tape: Tape
) -> None:
    document = mended("directory")
    simulator.state.load_directory(
        {
            "lines": [
                {"addressingIdentifier": "000000034_ACHATS", "siren": "000000034", "addressingSuffix": "ACHATS"},
                {"addressingIdentifier": "000000034", "siren": "000000034", "directoryLineStatus": "Upcoming"},
                {"addressingIdentifier": "000000042", "siren": "000000042", "directoryLineStatus": "Disabled"},
            ]
        }
    )
    channel.look_up("000000034")
    channel.look_up("000000042")
    asked = [(request, reply) for request, reply in tape.exchanges if "/directory-service/" in request.url]
    searches = [(request, reply) for request, reply in asked if request.url.endswith("/search")]
    assert len(searches) == 2
    for request, reply in searches:
        check(document, {"$ref": "#/components/schemas/searchDirectoryLine"}, json.loads(request.content))
        whole = "#/components/schemas/directoryLineSearchPost200Response"
        check(document, {"$ref": whole}, json.loads(reply.content))
    line = next(reply for request, reply in asked if request.url.endswith("code:000000042"))
    name = "#/components/schemas/directoryLinePayloadLegalUnitFacilityRoutingCode"
    check(document, {"$ref": name}, json.loads(line.content))


def test_a_public_establishment_is_asked_about_and_described_as_described(
    simulator: AfnorSimulator, channel: PlateformeAgreee, tape: Tape
) -> None:
    document = mended("directory")
    told = {"siret": "00000003400012", "wants": {"serviceCodeStatus": True}, "services": {"VOIRIE": {}}}
    simulator.state.load_directory({"public": [told]})
    described = channel.structure("00000003400012", services=["VOIRIE", "RIEN"])
    assert described is not None
    assert (described.code_service, [each.known for each in described.services]) == (True, [True, False])
    assert channel.structure("00000003400099") is None
    names = {
        "/siret/code-insee:00000003400012": "facilityPayloadHistory",
        "/code:VOIRIE": "routingCodePayloadHistoryLegalUnitFacility",
    }
    replies = [
        (name, reply) for request, reply in tape.exchanges for end, name in names.items() if request.url.endswith(end)
    ]
    assert len(replies) == 2
    for name, reply in replies:
        check(document, {"$ref": f"#/components/schemas/{name}"}, json.loads(reply.content))


def test_a_refusal_has_the_official_shape(simulator: AfnorSimulator) -> None:
    document = mended("flow")
    answer = httpx.post(f"{simulator.url}/flow-service/v1/flows", content=b"", trust_env=False)
    assert answer.status_code == 401
    check(document, {"$ref": "#/components/schemas/Error"}, answer.json())


@pytest.mark.parametrize("largest_page", [7, 100])
@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3"])
def test_every_page_of_news_is_read_whatever_the_version_and_the_size_of_its_pages(
    version: str, largest_page: int
) -> None:
    simulator = AfnorSimulator(version=version, largest_page=largest_page)
    simulator.start()
    channel = PlateformeAgreee({**simulator.settings(), "api_version": version})
    try:
        for number in range(21):
            channel.send(parcel(Bill(number=f"F-{number}"), message_ref=f"{number:026d}"))
            simulator.clock.advance(0.01)
        simulator._control.obey("POST /control/advance", {"seconds": 864000.0})
        cursor, read, pages = "", set(), 0
        more = True
        while more and pages < 60:
            page = channel.collect(cursor)
            cursor, more, pages = page.cursor, page.more, pages + 1
            read |= {one.about["lifecycleFlowId"] for one in page.news}
        said = {flow.identifier for flow in simulator.state.flows.values() if flow.direction == "In"}
        assert read == said
        assert not channel.collect(cursor).news
        # What is published a moment later stands behind more than a page of what was read already.
        for number in range(21):
            simulator.state.say({"number": f"F-{number}", "code": "204"})
            # Before 1.3 nobody can read past more of one instant than a page holds.
            simulator.clock.advance(0.01)
        more = True
        while more and pages < 120:
            page = channel.collect(cursor)
            cursor, more, pages = page.cursor, page.more, pages + 1
            read |= {one.about["lifecycleFlowId"] for one in page.news}
        assert read == {flow.identifier for flow in simulator.state.flows.values() if flow.direction == "In"}
    finally:
        channel.close()
        simulator.stop()


@pytest.mark.parametrize("version", ["1.0", "1.3"])
def test_a_lost_answer_is_found_behind_the_flows_of_others(version: str) -> None:
    """Some platforms do not hear the criterion `trackingId`, and give everybody's flows."""
    simulator = AfnorSimulator(version=version, largest_page=7, deaf_to=frozenset({"trackingId"}))
    simulator.start()
    channel = PlateformeAgreee({**simulator.settings(), "api_version": version})
    try:
        ours = [parcel(Bill(number=f"F-{number}"), message_ref=f"{number:026d}") for number in range(21)]
        for one in ours:
            channel.send(one)
            simulator._control.obey("POST /control/advance", {"seconds": 1.0})
        for one in (ours[0], ours[-1]):
            assert isinstance(channel.find(one), Found)
        assert isinstance(channel.find(replace(ours[0], message_ref="9" * 26)), NotFound)
    finally:
        channel.close()
        simulator.stop()


@pytest.mark.parametrize("largest_page", [20, 100])
def test_every_line_of_a_company_is_read_whatever_the_size_of_the_directory_s_pages(largest_page: int) -> None:
    simulator = AfnorSimulator(largest_page=largest_page)
    simulator.start()
    channel = PlateformeAgreee(simulator.settings())
    try:
        closed = [
            {"addressingIdentifier": f"000000034_{n:03d}", "siren": "000000034", "directoryLineStatus": "Disabled"}
            for n in range(70)
        ]
        active = {"addressingIdentifier": "000000034_ZZZ", "siren": "000000034"}
        simulator.state.load_directory({"lines": [*closed, active]})
        told = channel.look_up("000000034_000")
    finally:
        channel.close()
        simulator.stop()
    assert (told.reach, told.listed, len(told.lines)) == (Reach.NO, True, 71)
    assert [line.address for line in told.lines if line.status == "Enabled"] == ["000000034_ZZZ"]
    assert b"000000034_ZZZ" in told.raw


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_secret": ""}, "client_secret"),
        ({"api_url": "ftp://plateforme.example"}, "https"),
        ({"api_url": "https://api.plateforme.example/flow-service"}, "ensemble"),
        ({"api_version": "2.0"}, "api_version"),
        ({"timeout": "vite"}, "timeout"),
        ({"webhook_digest": "md5"}, "webhook_digest"),
        ({"flow_syntax": "EDIFACT"}, "flow_syntax"),
    ],
)
def test_an_impossible_setting_is_named_in_french(
    simulator: AfnorSimulator, changes: dict[str, str], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        PlateformeAgreee({**simulator.settings(), **changes})


def test_webhooks_are_asked_for_listed_and_called_as_described(
    simulator: AfnorSimulator, channel: PlateformeAgreee, tape: Tape
) -> None:
    document = mended("flow")
    listing = document["components"]["responses"]["WebhookListResponse"]["content"]["application/json"]["schema"]
    made = create(channel.connection, channel.settings, "https://faitfoi.example/appels/pa/x/")
    assert [one.identifier for one in listed(channel.connection, channel.settings)] == [made.identifier]
    (asked, created), (_, shown) = [each for each in tape.exchanges if each[0].url.endswith("/webhooks")]
    check(document, {"$ref": "#/components/schemas/WebhookParams"}, json.loads(asked.content))
    check(document, {"$ref": "#/components/schemas/WebhookIdParam"}, json.loads(created.content))
    check(document, listing, json.loads(shown.content))
    assert (created.status, shown.status) == (201, 200)

    called: list[dict[str, Any]] = []
    simulator.state.published = called.append
    channel.send(parcel(Bill()))
    simulator._control.obey("POST /control/advance", {"seconds": 864000.0})
    assert called
    for body in called:
        check(document, {"$ref": "#/components/schemas/Flow"}, body)
    content = json.dumps(called[0]).encode()
    headers = simulator.hooks.signed(base64.b64decode(made.signing_key), content)
    named = read_call(
        replace(channel.settings, signing_key=made.signing_key),
        content,
        signature=headers["Afnor-Signature"],
        timestamp=headers["Afnor-Signature-Timestamp"],
        now=simulator.clock.now(),
    )
    assert named == called[0]["flowId"]
