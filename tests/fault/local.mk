# What happens when things go wrong: kills, errors, full disks, power cuts.
# These take strace, and some root; without it they say so and are skipped.
fault_tests = \
	%D%/agent-kill.t \
	%D%/order.t \
	%D%/power.t \
	%D%/raw-kill.t \
	%D%/sendmail-err.t \
	%D%/sendmail-kill.t \
	%D%/space.t \
	%D%/spoold-kill.t
TESTS += $(fault_tests)
EXTRA_DIST += $(fault_tests) %D%/check-queue.pl %D%/fault.sh \
	tests/bench/bench.sh tests/bench/put.c tests/bench/race.c \
	tests/bench/drain-client.c tests/bench/postfix.sh tests/bench/sink.c \
	tests/bench/fill-queue.c tests/bench/stall.pl
