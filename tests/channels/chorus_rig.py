"""A simulated Chorus Pro for tests, its control address, and the channel that speaks to it."""

from datetime import UTC, date, datetime
from typing import Any

import httpx

from faitfoi.channels.chorus_pro import ChorusPro
from faitfoi.channels.contract import Attachment, Parcel
from faitfoi.simulators.chorus import ChorusSimulator
from faitfoi.simulators.control import Clock
from tests.channels.chorus_documents import Bill, facturx

SECRETS = {"client_secret": "s3cret-de-lapplication", "technical_password": "m0t-de-passe-technique"}
START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


class Chorus:
    """One simulator whose time stands still until pushed."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("clock", Clock(start=START, factor=0))
        self.simulator = ChorusSimulator(**options)
        self.simulator.start()
        self.channels: list[ChorusPro] = []
        self.control = httpx.Client(base_url=self.simulator.control_url, verify=False, trust_env=False)

    def stop(self) -> None:
        for channel in self.channels:
            channel.close()
        self.control.close()
        self.simulator.stop()

    def settings(self, **changes: str) -> dict[str, str]:
        return {
            "api_url": f"{self.simulator.url}/cpro",
            "token_url": f"{self.simulator.url}/api/oauth/token",
            "client_id": "faitfoi",
            "technical_login": "TECH_1_00000001800017@cpro.example",
            "timeout": "60",
            **SECRETS,
            **changes,
        }

    def channel(self, **changes: str) -> ChorusPro:
        channel = ChorusPro(self.settings(**changes))
        self.channels.append(channel)
        return channel

    def command(self, name: str, **body: Any) -> Any:
        answer = self.control.post(f"/control/{name}", json=body)
        answer.raise_for_status()
        return answer.json()

    def listen(self) -> list[tuple[str, dict[str, Any], Any]]:
        """Note from now on each operation, what was asked and what was answered; changes nothing."""
        seen: list[tuple[str, dict[str, Any], Any]] = []
        answer = self.simulator.state.answer

        def note(operation: str, body: Any) -> Any:
            said = answer(operation, body)
            seen.append((operation, dict(body), said))
            return said

        self.simulator.state.answer = note  # type: ignore[method-assign]
        return seen

    def fault(self, kind: str, **more: Any) -> None:
        self.command("fault", kind=kind, **more)

    def advance(self, **span: float) -> None:
        units = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
        self.command("advance", seconds=sum(units[unit] * count for unit, count in span.items()))

    @property
    def deposits(self) -> list[dict[str, Any]]:
        return list(self.control.get("/control/records").json()["deposits"])


def parcel(
    bill: Bill | None = None, *, content: bytes | None = None, media_type: str = "application/pdf", **changes: Any
) -> Parcel:
    """Wrap a bill as the pipeline would."""
    bill = bill or Bill()
    values: dict[str, Any] = {
        "key": f"org:{bill.number}:legal:chorus_pro:1",
        "message_ref": "mfrggzdfmztwq2lknnwg23tpoa",
        "number": bill.number,
        "issue_date": date.fromisoformat(bill.issued),
        "document_kind": "invoice",
        "seller_name": "Coopérative du Val Fleuri",
        "seller_siret": bill.supplier,
        "buyer_name": "Commune de Valombreuse",
        "address": bill.recipient,
        "artefact": Attachment(
            filename=f"{bill.number}.pdf", media_type=media_type, content=facturx(bill) if content is None else content
        ),
        "settings": {},
    }
    return Parcel(**{**values, **changes})
