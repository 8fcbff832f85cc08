"""The words that accompany a sending, in French, for the customer who receives it."""
