"""Typst templates of the readable copies."""
