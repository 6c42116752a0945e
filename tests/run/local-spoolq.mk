# What reads and steers the queue.
spoolq_run_tests = \
	%D%/history.t \
	%D%/list.t \
	%D%/maildir.t \
	%D%/spoolq.t \
	%D%/view.t
TESTS += $(spoolq_run_tests)
EXTRA_DIST += $(spoolq_run_tests) %D%/queue.sh %D%/fake-control.pl \
	%D%/on-terminal.py \
	%D%/terminal.py
