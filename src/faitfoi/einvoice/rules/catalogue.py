"""Imports every module of rules, in the order in which their findings are read."""

from faitfoi.einvoice.rules import (
    chorus,
    en_allowances,
    en_codes,
    en_document,
    en_lines,
    en_payment,
    en_totals,
    en_vat,
    en_vat_families,
    en_vat_special,
    extended_codes,
    extended_lines,
    extended_totals,
    extended_vat,
    french,
    ours,
)

MODULES = (
    en_document,
    en_payment,
    en_lines,
    en_allowances,
    en_totals,
    en_vat,
    en_vat_families,
    en_vat_special,
    en_codes,
    extended_lines,
    extended_totals,
    extended_vat,
    extended_codes,
    *french.MODULES,
    chorus,
    ours,
)
