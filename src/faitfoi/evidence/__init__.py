"""Prove it: seal, content-addressed store, journal leaves and proofs, fsck. Computes and verifies; knows no table."""
