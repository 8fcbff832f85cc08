"""Remember it: every business table, the journal's table, and the only door to a change of stage."""
