"""Faitfoi: sends French invoices by the right channel and keeps a proof anyone can check."""
