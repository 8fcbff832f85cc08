"""The demonstration's own data: two fictitious cooperatives, their customers, their invoices, right and wrong."""
