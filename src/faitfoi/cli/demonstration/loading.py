"""Loads the demonstration's organisations, customers, accounts and channels; again changes only ports."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from faitfoi.accounts.models import ChannelKey, Membership, Organisation, User
from faitfoi.accounts.tenancy import acting_for, directory
from faitfoi.cli.demonstration.builder import terms_of_sale
from faitfoi.cli.demonstration.seed import logo, seed
from faitfoi.evidence.store import digest_of
from faitfoi.pipeline import archive
from faitfoi.pipeline.account_events import tell_account_event
from faitfoi.pipeline.customers import fold
from faitfoi.records.journal import write_entry
from faitfoi.records.models import Customer
from faitfoi.records.vault import channel_settings, save_channel_settings

ACTOR = "demonstration"
OWN_FIELDS = (
    "name",
    "siren",
    "siret",
    "issues_electronically_from",
    "default_channel",
    "copy_channel",
    "accent",
    "footer",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherSide:
    """Where the simulators listen."""

    smtp_port: int
    chorus_url: str
    pa_url: str


def load(other_side: OtherSide) -> list[Organisation]:
    """Load or find the demonstration's organisations, in the order of `seed.toml`."""
    return [_organisation(table, other_side) for table in seed()["organisations"]]


def real_organisations() -> list[str]:
    """Return the names of the organisations here that are no demonstration: its workers must not send for them."""
    with directory():
        return list(Organisation.objects.filter(demonstration=False).values_list("name", flat=True))


def new_passwords() -> dict[str, str]:
    """Give every account of the demonstration a fresh password; returns them by e-mail address."""
    made: dict[str, str] = {}
    for table in seed()["organisations"]:
        for person in table["users"]:
            user = User.objects.get_by_natural_key(person["email"])
            made[person["email"]] = secrets.token_urlsafe(9)
            user.set_password(made[person["email"]])
            user.save(update_fields=["password"])
            tell_account_event(user, "password_changed", actor=ACTOR)
    return made


def _organisation(table: Mapping[str, Any], other_side: OtherSide) -> Organisation:
    with directory():
        known = Organisation.objects.filter(slug=table["slug"]).first()
    organisation = known or Organisation(slug=table["slug"], demonstration=True)
    for field in OWN_FIELDS:
        setattr(organisation, field, table.get(field, getattr(organisation, field)))
    organisation.registers_customers = bool(table.get("registers_customers", False))
    organisation.sends_for_others = bool(table.get("sends_for_others", False))
    looks: list[bytes] = []
    if table.get("logo"):
        looks.append(logo(table["slug"]))
        organisation.logo_sha256 = digest_of(looks[-1]).sha256
    if table.get("terms_of_sale"):
        looks.append(terms_of_sale(table["slug"]))
        organisation.terms_sha256 = digest_of(looks[-1]).sha256
    with acting_for(organisation.id):
        organisation.save(force_insert=known is None)
    kept = archive.pack(organisation.id, looks) if looks else None
    with acting_for(organisation.id):
        if kept is not None:
            archive.claim(kept, actor=ACTOR)
        rows: list[Model] = [organisation]
        for customer in table.get("customers", ()):
            recorded, is_new = Customer.objects.get_or_create(
                organisation=organisation,
                reference=customer["reference"],
                defaults={
                    **{k: v for k, v in customer.items() if k != "reference"},
                    "search_key": fold(customer["name"]),
                },
            )
            rows += [recorded] if is_new else []
        for channel, values in _channels(table, other_side).items():
            if channel_settings(channel) != values:
                save_channel_settings(channel, values, actor=ACTOR)
        for person in table["users"]:
            user = User.objects.filter(email=person["email"]).first() or User.objects.create_user(
                person["email"], None, name=person["name"]
            )
            membership, is_new = Membership.objects.get_or_create(
                organisation=organisation, user=user, defaults={"role": person.get("role", "clerk")}
            )
            rows += [user, membership] if is_new else []
        write_entry("demonstration_loaded", actor=ACTOR, rows=rows)
    return organisation


def _channels(table: Mapping[str, Any], other_side: OtherSide) -> dict[ChannelKey, dict[str, str]]:
    domain = f"{table['slug']}.example"
    return {
        ChannelKey.EMAIL: {
            "host": "127.0.0.1",
            "port": str(other_side.smtp_port),
            "tls": "none",
            "sender_address": f"factures@{domain}",
            "sender_name": str(table["name"]),
            "reply_to": f"comptabilite@{domain}",
            "return_domain": f"retours.{domain}",
            "deadline_seconds": "20",
        },
        ChannelKey.CHORUS_PRO: {
            "api_url": f"{other_side.chorus_url}/cpro",
            "token_url": f"{other_side.chorus_url}/api/oauth/token",
            "client_id": "demonstration",
            "client_secret": "demonstration",
            "technical_login": f"TECH_{table['slug']}@cpro.example",
            "technical_password": "demonstration",
        },
        ChannelKey.PLATEFORME_AGREEE: {
            "api_url": f"{other_side.pa_url}/flow-service",
            "directory_url": f"{other_side.pa_url}/directory-service",
            "token_url": f"{other_side.pa_url}/auth/token",
            "client_id": str(table.get("pa_client_id", "demonstration")),
            "client_secret": "demonstration",
        },
    }
