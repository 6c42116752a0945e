#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# The harness: a test that fails, hangs, dies or leaves something running must
# be seen to, and leave nothing.

. "${srcdir:?}/tests/run/lib.sh"

# script NAME <text: a test of its own below $dir
script() {
	{
		echo ". '$srcdir/tests/run/lib.sh'"
		cat
	} >"$dir/$1.t"
}

# outcome NAME: its output and status
outcome() {
	TMPDIR=$dir/tmp bash "$dir/$1.t" >"$dir/out" 2>&1
	echo "status $?" >>"$dir/out"
	cat "$dir/out"
}

mkdir "$dir/tmp"

script good <<'EOS'
ok "true" true
fails 3 "three" sh -c 'exit 3'
is a a "same"
like abc b "like"
unlike abc d "unlike"
at_most 3 3 "three is"
skip "this" "that"
done_testing
EOS
like "$(outcome good)" $'ok 7 - this # SKIP that\n1..7\nstatus 0$' \
    "a good test passes"

for bad in 'ok x false' 'fails 3 x false' 'is a b x' 'like a b x' \
    'unlike a a x' 'at_most 4 3 x' 'wait_for 1 false || fail x'; do
	script bad <<<"$bad; pass y; done_testing"
	said=$(outcome bad)
	like "$said" $'not ok 1 - x\n' "'$bad' is a failure"
	like "$said" $'status 1$' "with status 1"
done

script dies <<<'pass x; exit 0'
like "$(outcome dies)" $'not ok 2 - dies.t ran to its end' \
    "a test that ends early failed"
unlike "$(outcome dies)" '1\.\.' "and has no plan"

script bails <<<'bail out of here'
like "$(outcome bails)" $'Bail out! out of here\nstatus 1$' "bail"

script skips <<<'skip_all no fun'
like "$(outcome skips)" $'^1\.\.0 # SKIP no fun\nstatus 0$' "skip_all"

script report <<'EOS'
echo '==1==ERROR: AddressSanitizer: heap-use-after-free' >"$dir/spoold.log"
done_testing
EOS
like "$(outcome report)" $'not ok 1 - no sanitizer' \
    "a sanitizer's report is a failure"

# Hanging in a command, with a child that does not want to go.
script hangs <<EOS
(trap '' TERM; echo \$BASHPID >"$dir/stubborn"; exec sleep 987) &
echo \$\$ >"$dir/hanging"
pass before
sleep 986
done_testing
EOS
start=$(now)
# Time enough to begin, however busy the machine is.
said=$(TEST_TIMEOUT=4 outcome hangs)
like "$said" 'not ok - hangs.t had not finished after 4 s' \
    "a test that hangs is ended"
like "$said" 'sleep 987' "with a list of what ran"
like "$said" $'status 1$' "and failed"
at_most $(($(now) - start)) 40000000 "in time, microseconds"
for who in stubborn hanging; do
	ok "nothing is left of it: $who" wait_for 5 is_gone "$(<"$dir/$who")"
done

script leaves <<EOS
sleep 985 & echo \$! >"$dir/left"
at_cleanup "touch '$dir/cleaned'"
pass x
done_testing
EOS
like "$(outcome leaves)" $'status 0$' "a test may leave a process behind"
ok "which is ended" wait_for 5 is_gone "$(<"$dir/left")"
ok "what is to be cleaned is cleaned" test -e "$dir/cleaned"

# The watchdog itself is told to end.
script told <<EOS
echo \$\$ >"$dir/told"
sleep 984
EOS
rm -f "$dir/told"
TMPDIR=$dir/tmp bash "$dir/told.t" >/dev/null 2>&1 &
outer=$!
wait_for 10 test -s "$dir/told" || fail "it starts"
kill -TERM "$outer"
ok "SIGTERM ends the watchdog" wait_for 10 is_gone "$outer"
ok "and its test" wait_for 10 is_gone "$(<"$dir/told")"
is "$(ls -A "$dir/tmp")" "" "no directory is left of any of them"

# The spoold and the server that a test forgot are gone too.
script forgets <<EOS
make_spool
start_smtpd
start_spoold --relay "127.0.0.1:\$smtpd_port" --tls none
echo \$spoold_pid \$smtpd_pid \$(ps -o pid= --ppid \$spoold_pid) >"$dir/forgot"
pass x
done_testing
EOS
like "$(outcome forgets)" $'status 0$' "a test may forget its spoold"
for pid in $(<"$dir/forgot"); do
	ok "which is ended all the same" wait_for 10 is_gone "$pid"
done

done_testing
