"""Show it: pages and the addresses that programs call, thin faces over the pipeline and the records."""
