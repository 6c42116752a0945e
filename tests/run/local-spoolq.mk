# What reads and steers the queue.
spoolq_run_tests = \
	%D%/maildir.t \
	%D%/spoolq.t
TESTS += $(spoolq_run_tests)
EXTRA_DIST += $(spoolq_run_tests) %D%/queue.sh %D%/fake-control.pl
