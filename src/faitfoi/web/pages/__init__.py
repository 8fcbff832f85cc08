"""The pages, one module per place a person goes to."""
