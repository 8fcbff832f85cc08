"""Show it: pages and webhooks' addresses, thin faces over the pipeline and the records."""
