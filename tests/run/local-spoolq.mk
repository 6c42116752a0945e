# What reads and steers the queue.
spoolq_run_tests = \
	%D%/completions.t \
	%D%/doctor.t \
	%D%/doctor-postfix.t \
	%D%/history.t \
	%D%/import.t \
	%D%/list.t \
	%D%/maildir.t \
	%D%/monitor.t \
	%D%/report.t \
	%D%/spoolq.t \
	%D%/steer-alone.t \
	%D%/steer-spoold.t \
	%D%/steer-terminal.t \
	%D%/steer-users.t \
	%D%/steer-wait.t \
	%D%/summary.t \
	%D%/view.t \
	%D%/watch.t
TESTS += $(spoolq_run_tests)
EXTRA_DIST += $(spoolq_run_tests) %D%/queue.sh %D%/fake-control.pl \
	%D%/on-terminal.py %D%/openmetrics.py %D%/report-server.py \
	%D%/terminal.py %D%/steer.sh
