# The black-box tests.
run_tests = \
	%D%/again.t \
	%D%/auth.t \
	%D%/backlog.t \
	%D%/bounces.t \
	%D%/clock.t \
	%D%/config.t \
	%D%/control.t \
	%D%/deliver.t \
	%D%/dsn.t \
	%D%/drops.t \
	%D%/garbage.t \
	%D%/failover.t \
	%D%/edits.t \
	%D%/edits-load.t \
	%D%/fairness.t \
	%D%/harness.t \
	%D%/hosts.t \
	%D%/interop-callers.t \
	%D%/interop-exim.t \
	%D%/interop-libraries.t \
	%D%/interop-postfix.t \
	%D%/interop-relays.t \
	%D%/journals.t \
	%D%/kill9.t \
	%D%/longlines.t \
	%D%/manuals.t \
	%D%/many.t \
	%D%/norelay.t \
	%D%/once.t \
	%D%/outcomes.t \
	%D%/partial.t \
	%D%/rate.t \
	%D%/raw.t \
	%D%/pause.t \
	%D%/pin.t \
	%D%/relay-moods.t \
	%D%/reload.t \
	%D%/replaced.t \
	%D%/restart.t \
	%D%/schedule-spoold.t \
	%D%/signals.t \
	%D%/slow.t \
	%D%/snapshots.t \
	%D%/split.t \
	%D%/spoolgore.t \
	%D%/smtpd.t \
	%D%/srv-real.t \
	%D%/srv.t \
	%D%/status.t \
	%D%/token.t \
	%D%/tls.t \
	%D%/unreadable.t \
	%D%/upheaval.t \
	%D%/utf8-postfix.t \
	%D%/utf8.t
TESTS += $(run_tests)
EXTRA_DIST += $(run_tests) %D%/validate.py %D%/lib.sh %D%/control.sh \
	%D%/agent.sh %D%/callers.sh %D%/relays.sh \
	%D%/get-mta %D%/get-exim %D%/get-opensmtpd
# Installs for the whole machine, on a copy of it: root only.
machine_tests = \
	%D%/callers-system.t \
	%D%/install.t
TESTS += $(machine_tests)
EXTRA_DIST += $(machine_tests) %D%/machine.sh
# What callers give and relays get, in files that others may use as well.
vectors = \
	%D%/vectors/10-sample.json \
	%D%/vectors/20-flags.json \
	%D%/vectors/25-dsn.json \
	%D%/vectors/30-addresses.json \
	%D%/vectors/35-addresses-t.json \
	%D%/vectors/38-utf8.json \
	%D%/vectors/40-header-recipients.json \
	%D%/vectors/50-header.json \
	%D%/vectors/55-sender.json \
	%D%/vectors/57-identity.json \
	%D%/vectors/60-body.json \
	%D%/vectors/62-dots.json \
	%D%/vectors/64-lines.json \
	%D%/vectors/66-limits.json \
	%D%/vectors/70-smtp.json \
	%D%/vectors/80-queue.json \
	%D%/vectors/90-callers.json
TESTS += %D%/vectors.t
EXTRA_DIST += %D%/vectors.t %D%/vectors.py $(vectors) \
	%D%/vector_compare.py %D%/vector_format.py
