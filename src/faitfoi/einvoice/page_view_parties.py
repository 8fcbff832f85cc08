"""Who sells, who buys, where it was delivered, who is paid: blocks of the page (BG-4 to BG-15)."""

import dataclasses
from collections.abc import Iterable

from faitfoi.einvoice import page_words
from faitfoi.einvoice.model import Address, Buyer, Contact, Delivery, Identifier, Invoice, Seller, TradeParty
from faitfoi.einvoice.page_numbers import breakable, registration
from faitfoi.einvoice.page_view_extended import PARTIES

# A number and its name are read together, unless they would not fit on a line.
_KEPT_TOGETHER = 40

# The longest words, in characters, that a block can hold, in each of its two sizes.
_WORD = 32
_SMALL_WORD = 50


def seller_block(seller: Seller) -> dict[str, str]:
    """The seller: name, address, and every number the law or the seller gives."""
    paragraphs = (
        _joined(_identifiers((seller.legal_registration, *seller.identifiers))),
        _joined([("N° TVA", seller.vat_identifier), ("N° fiscal", seller.tax_registration)]),
        seller.additional_legal_information,
        *_contact(seller.contact),
        _joined(_electronic(seller.electronic_address)),
    )
    return _block("Vendeur", seller.name, seller.trading_name, seller.address, paragraphs)


def buyer_block(buyer: Buyer) -> dict[str, str]:
    """The buyer; its address stands where a window envelope shows it."""
    paragraphs = (
        _joined(_identifiers((buyer.legal_registration, *buyer.identifiers))),
        _joined([("N° TVA", buyer.vat_identifier)]),
        *_contact(buyer.contact),
        _joined(_electronic(buyer.electronic_address)),
    )
    return _block("Facturé à", buyer.name, buyer.trading_name, buyer.address, paragraphs)


def other_blocks(invoice: Invoice) -> list[dict[str, str]]:
    """Delivery place, payee, tax representative and the parties beyond EN 16931, those that the invoice names."""
    blocks = []
    delivery, payee, representative = invoice.delivery, invoice.payee, invoice.tax_representative
    if delivery and dataclasses.replace(delivery, actual_date=None) != Delivery():
        numbers = _joined(_identifiers((delivery.location,), default="Lieu"))
        said = (numbers, *_contact(delivery.contact), _joined(_electronic(delivery.electronic_address)))
        blocks.append(_block("Livré à", delivery.name, "", delivery.address, said))
    if payee:
        said = (
            _joined(_identifiers((payee.legal_registration, payee.identifier))),
            _joined([("N° TVA", payee.vat_identifier), ("Rôle", payee.role_code)]),
            *_contact(payee.contact),
            _joined(_electronic(payee.electronic_address)),
        )
        blocks.append(_block("Bénéficiaire du paiement", payee.name, payee.trading_name, payee.address, said))
    if representative:
        numbers = _joined([("N° TVA", representative.vat_identifier)])
        blocks.append(_block("Représentant fiscal", representative.name, "", representative.address, (numbers,)))
    if invoice.extended is not None:
        for field, label in PARTIES.items():
            if (party := getattr(invoice.extended, field)) is not None:
                blocks.append(_trade_party(label, party))
    return blocks


def _trade_party(label: str, party: TradeParty) -> dict[str, str]:
    paragraphs = (
        _joined(_identifiers((party.legal_registration, *party.identifiers))),
        _joined([("N° TVA", party.vat_identifier), ("Rôle", party.role_code)]),
        *_contact(party.contact),
        _joined(_electronic(party.electronic_address)),
    )
    return _block(label, party.name, party.trading_name, party.address, paragraphs)


def _block(
    label: str, name: str, trading_name: str, address: Address | None, paragraphs: Iterable[str]
) -> dict[str, str]:
    above = [] if trading_name in ("", name) else [trading_name]
    return {
        "label": label,
        "name": breakable(name, _WORD),
        "address": breakable("".join(f"\n{line}" for line in (*above, *_address_lines(address))), _WORD),
        "facts": breakable("\n".join(paragraph for paragraph in paragraphs if paragraph), _SMALL_WORD),
    }


def _joined(facts: Iterable[tuple[str, str]]) -> str:
    """`SIREN 000 000 018 · N° TVA FR66000000018`: breaks only between facts."""
    said = [f"{label} {value}".strip() for label, value in facts if value]
    return " · ".join(each.replace(" ", "\u00a0") if len(each) <= _KEPT_TOGETHER else each for each in said)


def _address_lines(address: Address | None) -> list[str]:
    if address is None:
        return []
    town = " ".join(part for part in (address.postcode, address.city) if part)
    lines = (
        address.line_one,
        address.line_two,
        address.line_three,
        town,
        address.subdivision,
        page_words.country(address.country),
    )
    return [line for line in lines if line]


def _identifiers(identifiers: Iterable[Identifier | None], *, default: str = "Identifiant") -> list[tuple[str, str]]:
    return [
        (page_words.scheme(each.scheme) if each.scheme else default, registration(each.value, each.scheme))
        for each in identifiers
        if each is not None
    ]


def _contact(contact: Contact | None) -> list[str]:
    if contact is None:
        return []
    facts = [("Contact :", contact.point), ("", contact.department), ("Tél.", contact.telephone)]
    return [_joined(facts), contact.email]


def _electronic(address: Identifier | None) -> list[tuple[str, str]]:
    if address is None:
        return []
    label = "Courriel de facturation :" if address.scheme == "EM" else "Adresse électronique :"
    known = address.scheme in ("", "EM")
    return [(label, address.value if known else f"{address.scheme}:{address.value}")]
