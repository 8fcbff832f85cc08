"""Move it: the journey, jobs, timetable and sandbox; the only place where rooms meet."""
