# The black-box tests of sendmail.
TESTS += %D%/sendmail.t %D%/sendmail-vectors.t %D%/refused.t
EXTRA_DIST += %D%/sendmail.t %D%/sendmail-vectors.t %D%/refused.t
TESTS += %D%/environment.t %D%/limits.t
EXTRA_DIST += %D%/environment.t %D%/limits.t
# SMTP: at a pipe, and at a socket with real clients.
TESTS += %D%/bs.t %D%/socket.t
EXTRA_DIST += %D%/bs.t %D%/socket.t
# A parent of the odd kind, for them.
check_PROGRAMS += %D%/careless
tests_run_careless_SOURCES = %D%/careless.c
# Aliases and senders.
TESTS += %D%/identity.t
EXTRA_DIST += %D%/identity.t
# Times and lanes.
TESTS += %D%/schedule.t
EXTRA_DIST += %D%/schedule.t
# Waiting, explaining, and the page that describes all of it.
TESTS += %D%/explain.t %D%/sendmail-manual.t %D%/wait.t %D%/wait-system.t
EXTRA_DIST += %D%/explain.t %D%/sendmail-manual.t %D%/wait.t \
	%D%/wait-system.t \
	%D%/check-manual.pl
