"""Imports every module of rules, in the order in which their findings are read."""

from faitfoi.einvoice.rules import en_totals

MODULES = (en_totals,)
