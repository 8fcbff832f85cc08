"""Read it: where bytes come from (upload, watched folder, bounces) and what is recognised in them."""
