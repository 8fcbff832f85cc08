"""What the directory says of a public establishment: what it asks of an invoice, and of its services. Questions only.

French contracts §2.2: `siret/code-insee` with its `b2gAdditionalData`, which stands for Chorus Pro's
`structures/consulter`, and `routing-code` for a service. The contract lists the services of nobody: those that are
needed are asked for one by one.
"""

import json
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from faitfoi.channels.afnor_http import Connection
from faitfoi.channels.afnor_settings import PaSettings
from faitfoi.channels.chorus_pro_codes import text
from faitfoi.channels.contract import NotSent
from faitfoi.channels.http_wire import Request, read_object
from faitfoi.channels.structures import ServiceTold, StructureTold

CLOSED = "C"
NOT_OFFERED = frozenset({501})


def look_up(
    connection: Connection, settings: PaSettings, siret: str, *, services: Iterable[str] = ()
) -> StructureTold | None:
    """Ask what an establishment wants; None when the directory does not have it. Raises NotSent."""
    own = _ask(connection, f"{settings.siret_path}/code-insee:{quote(siret, safe='')}", siret)
    if own is None:
        return None
    told = {
        code: _ask(connection, f"{settings.routing_path}/siret:{siret}/code:{quote(code, safe='')}", siret)
        for code in dict.fromkeys(services)
    }
    wants = own.get("b2gAdditionalData")
    wants = wants if isinstance(wants, dict) else {}
    whole = {"siret": own, "routing_codes": told}
    return StructureTold(
        siret=siret,
        id=0,
        name=text(own.get("name")),
        active=text(own.get("administrativeStatus")) != CLOSED,
        code_service=wants.get("serviceCodeStatus") is True,
        engagement=wants.get("managesLegalCommitmentCode") is True,
        code_service_or_engagement=wants.get("managesLegalCommitmentOrServiceCode") is True,
        works_only=wants.get("pmOnly") is True,
        payment_not_reported=wants.get("managesPaymentStatus") is False,
        services=tuple(_service(code, answer) for code, answer in told.items()),
        raw=json.dumps(whole, ensure_ascii=False, sort_keys=True).encode(),
    )


def _ask(connection: Connection, path: str, siret: str) -> dict[str, object] | None:
    """Ask for one object; None when the directory says, in its own words, that it is not there. Raises NotSent.

    A 404 without those words may be that of a platform which does not have the question.
    """
    reply = connection.ask(Request(method="GET", url=connection.directory_url(path)), also=NOT_OFFERED)
    answer = read_object(reply.content)
    if reply.status == 200 and answer is not None:
        return answer
    if reply.status == 404 and text((answer or {}).get("errorCode")):
        return None
    raise NotSent(f"L’annuaire de la plateforme agréée ne décrit pas l’établissement {siret}.", answered=True)


def _service(code: str, answer: Mapping[str, object] | None) -> ServiceTold:
    if answer is None:
        return ServiceTold(id=0, code=code, name="", active=False, engagement=False, known=False)
    # The contract has both names for it.
    wants = (answer.get("managesLegalCommitmentCode"), answer.get("managesLegalCommitment"))
    return ServiceTold(
        id=0,
        code=code,
        name=text(answer.get("routingCodeName")),
        active=text(answer.get("administrativeStatus")) != CLOSED,
        engagement=True in wants,
    )
