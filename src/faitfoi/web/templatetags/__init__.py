"""What templates need beyond Django: French amounts, moments, words for our codes."""
