"""More valid invoices to mutate: those with rare parties, references, currencies and ways to pay."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from faitfoi.einvoice.model import (
    Attachment,
    Classification,
    Contact,
    Delivery,
    DirectDebit,
    Identifier,
    Invoice,
    Item,
    ItemAttribute,
    Note,
    Payee,
    PaymentCard,
    PaymentInstructions,
    PrecedingInvoice,
    Price,
    SupportingDocument,
    TaxRepresentative,
    Totals,
)
from tests.conformance.plain_bases import address, again, line, plain


def with_references() -> Invoice:
    """Every reference, and a supporting document with its file."""
    return replace(
        plain(),
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
        payment_terms="Paiement à 30 jours",
        preceding_invoices=(PrecedingInvoice(number="F-2026-100", issue_date=date(2026, 10, 1)),),
        vat_point_date_code="35",
        supporting_documents=(
            SupportingDocument(
                reference="F-2026-117",
                description="LISIBLE",
                attachment=Attachment(content=b"a;b\n1;2\n", media_type="text/csv", filename="lisible.csv"),
            ),
        ),
    )


def with_parties() -> Invoice:
    """Contacts, a payee, a tax representative, a delivery address, several identifiers of one party."""
    base = plain()
    contact = Contact(point="Alice Essai", telephone="+33 1 00 00 00 00", email="alice@aulnes.example")
    return replace(
        base,
        seller=replace(
            base.seller,
            trading_name="Les Aulnes",
            additional_legal_information="SCA au capital variable",
            contact=contact,
            identifiers=(*base.seller.identifiers, Identifier(value="ROUTAGE-1", scheme="0224")),
        ),
        buyer=replace(
            base.buyer,
            contact=contact,
            identifiers=(Identifier(value="SERVICE-1", scheme="0224"),),
        ),
        payee=Payee(
            name="Affactureur d’Essai",
            identifier=Identifier(value="00000002600013", scheme="0009"),
            legal_registration=Identifier(value="000000026", scheme="0002"),
        ),
        tax_representative=TaxRepresentative(
            name="Représentant d’Essai", vat_identifier="FR84000000026", address=address("Essai-les-Bains", "FR")
        ),
        delivery=Delivery(
            name="Dépôt",
            actual_date=date(2026, 11, 18),
            location=Identifier(value="00000003400025", scheme="0009"),
            address=address("Essai-Port", "FR"),
        ),
    )


def single_taxable_person() -> Invoice:
    """The seller is a member of an assujetti unique (scheme 0231)."""
    base = with_parties()
    return replace(
        base,
        seller=replace(
            base.seller, identifiers=(*base.seller.identifiers, Identifier(value="000000026", scheme="0231"))
        ),
        notes=(*base.notes, Note(text="MEMBRE_ASSUJETTI_UNIQUE", subject_code="TXD")),
    )


def foreign_currency() -> Invoice:
    """In Swiss francs, the VAT also in euros."""
    base = plain()
    return replace(
        base,
        currency="CHF",
        vat_currency="EUR",
        totals=replace(base.totals, vat_in_accounting_currency=Decimal("78.90")),
    )


def direct_debit() -> Invoice:
    """Paid by SEPA direct debit."""
    return replace(
        plain(),
        payment=PaymentInstructions(
            means_code="59",
            direct_debit=DirectDebit(
                mandate_reference="RUM-1",
                creditor_identifier="FR00ZZZ000001",
                debited_account="FR7630006000019876543210185",
            ),
        ),
        payment_terms="Prélèvement à l’échéance",
    )


def card() -> Invoice:
    """Partly paid by card, the total rounded."""
    base = plain()
    return again(
        base,
        payment=PaymentInstructions(
            means_code="48",
            means_text="Carte",
            remittance_information="F-2026-117",
            card=PaymentCard(account_number="1234", holder_name="Bob Essai"),
        ),
        totals=Totals(paid=Decimal("100.00"), rounding=Decimal("-0.05")),
    )


def with_prices() -> Invoice:
    """Gross prices, discounts, base quantities, and items told in full."""
    return again(
        plain(),
        lines=(
            replace(
                line("1", quantity="250", price="1"),
                price=Price(
                    net=Decimal("45.50"),
                    gross=Decimal("50.00"),
                    discount=Decimal("4.50"),
                    base_quantity=Decimal("100"),
                    base_quantity_unit="C62",
                ),
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
                invoiced_object=Identifier(value="COMPTEUR-3", scheme="AVE"),
                purchase_order_line_reference="10",
                buyer_accounting_reference="606110",
            ),
            replace(
                line("2", quantity="-1", price="10.123456", unit="KGM"),
                item=Item(name="Retour d’emballage", attributes=(ItemAttribute(name="Couleur", value="vert"),)),
            ),
            line("3", quantity="1.2345", price="0.5", unit="MTR", rate="5.5"),
        ),
    )
