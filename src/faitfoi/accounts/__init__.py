"""Who signs in, for which organisation, and the tenancy of every transaction."""
