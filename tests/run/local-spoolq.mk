# What reads and steers the queue.
spoolq_run_tests = \
	%D%/completions.t \
	%D%/history.t \
	%D%/list.t \
	%D%/maildir.t \
	%D%/spoolq.t \
	%D%/steer-alone.t \
	%D%/steer-spoold.t \
	%D%/steer-terminal.t \
	%D%/steer-users.t \
	%D%/steer-wait.t \
	%D%/view.t
TESTS += $(spoolq_run_tests)
EXTRA_DIST += $(spoolq_run_tests) %D%/queue.sh %D%/fake-control.pl \
	%D%/on-terminal.py \
	%D%/terminal.py %D%/steer.sh
