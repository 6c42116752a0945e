# The black-box tests.
run_tests = \
	%D%/auth.t \
	%D%/deliver.t \
	%D%/drops.t \
	%D%/garbage.t \
	%D%/harness.t \
	%D%/interop-callers.t \
	%D%/interop-exim.t \
	%D%/interop-postfix.t \
	%D%/kill9.t \
	%D%/many.t \
	%D%/norelay.t \
	%D%/once.t \
	%D%/partial.t \
	%D%/relay-moods.t \
	%D%/replaced.t \
	%D%/restart.t \
	%D%/signals.t \
	%D%/smtpd.t \
	%D%/tls.t
TESTS += $(run_tests)
EXTRA_DIST += $(run_tests) %D%/lib.sh %D%/get-exim
# Installs for the whole machine, on a copy of it: root only.
TESTS += %D%/install.t
EXTRA_DIST += %D%/install.t
