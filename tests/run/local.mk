# The black-box tests.
run_tests = \
	%D%/auth.t \
	%D%/deliver.t \
	%D%/dsn.t \
	%D%/drops.t \
	%D%/garbage.t \
	%D%/harness.t \
	%D%/interop-callers.t \
	%D%/interop-exim.t \
	%D%/interop-postfix.t \
	%D%/kill9.t \
	%D%/longlines.t \
	%D%/many.t \
	%D%/norelay.t \
	%D%/once.t \
	%D%/partial.t \
	%D%/relay-moods.t \
	%D%/replaced.t \
	%D%/restart.t \
	%D%/signals.t \
	%D%/smtpd.t \
	%D%/tls.t \
	%D%/unreadable.t \
	%D%/utf8-postfix.t \
	%D%/utf8.t
TESTS += $(run_tests)
EXTRA_DIST += $(run_tests) %D%/lib.sh %D%/get-exim
# Installs for the whole machine, on a copy of it: root only.
machine_tests = \
	%D%/install.t
TESTS += $(machine_tests)
EXTRA_DIST += $(machine_tests) %D%/machine.sh
# What callers give and relays get, in files that others may use as well.
vectors =
EXTRA_DIST += $(vectors)
