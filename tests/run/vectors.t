#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# What callers of sendmail give to it and what a relay gets of that, in a
# language of their own: vectors/*.json, run by vectors.py; vector_format.py
# describes it.
#
#	VECTORS_ONLY=REGEX	only those whose names have a match
#	VECTORS_SLOW=SECONDS	say which take longer

: "${srcdir:?}" "${builddir:?}"

# A caller is seldom root.  Where the programs are closed to others, a copy of
# what is needed is made for them.
if [ -z "${VECTORS_USER:-}" ] && [ "$(id -u)" -eq 0 ]; then
	VECTORS_USER=nobody
	export VECTORS_USER
	as_nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	if "${as_nobody[@]}" test -x "$builddir/sendmail/sendmail" \
	    -a -r "$srcdir/tests/run/vectors.py"; then
		exec "${as_nobody[@]}" "${BASH:-bash}" "$0" "$@"
	fi
	copy=$(mktemp -d "${TMPDIR:-/tmp}/spoold-test.XXXXXX") || exit 99
	trap 'rm -rf "$copy"' EXIT
	mkdir -p "$copy/tests/run" "$copy/tests/smtpd" "$copy/sendmail" \
	    "$copy/spoold/smtp" "$copy/spoolq"
	cp -R "$srcdir"/tests/run/{lib.sh,vectors,vectors.t,*.py} \
	    "$copy/tests/run/"
	for program in tests/smtpd/smtpd sendmail/sendmail spoold/spoold \
	    spoold/smtp/spoold-smtp spoolq/spoolq; do
		cp "$builddir/$program" "$copy/$program"
	done
	chmod -R u+w,go+rX "$copy"
	cd / || exit 99
	srcdir=$copy builddir=$copy "${as_nobody[@]}" "${BASH:-bash}" \
	    "$copy/tests/run/vectors.t" "$@"
	exit
fi

TEST_TIMEOUT=${TEST_TIMEOUT:-300}
. "${srcdir:?}/tests/run/lib.sh"

need python3 python3
SPOOLD_EXEC_PATH=$SPOOLD_EXEC_PATH:$builddir/spoolq

make_spool
start_smtpd --ehlo PIPELINING --ehlo 8BITMIME --ehlo SMTPUTF8 --ehlo DSN \
    --ehlo ENHANCEDSTATUSCODES --ehlo 'SIZE 100000000'
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
mkdir "$dir/work"

run_vectors() {
	python3 -B "$srcdir/tests/run/vectors.py" --sendmail "$SENDMAIL" \
	    --spool "$spool" --sink "$smtpd_out" --origin origin.example \
	    --work "$dir/work" --only "${VECTORS_ONLY:-}" \
	    ${VECTORS_SLOW:+--slow "$VECTORS_SLOW"} \
	    "$srcdir"/tests/run/vectors/*.json 2>"$dir/vectors.log"
	echo "ended $?"
}

ended=
while IFS= read -r line; do
	case $line in
	"ok - "*) pass "${line#ok - }" ;;
	"not ok - "*) fail "${line#not ok - }" ;;
	"ended "*) ended=${line#ended } ;;
	*) printf '%s\n' "$line" ;;
	esac
done < <(run_vectors)
is "$ended" 0 "the runner came to its end"
ok "spoold stops in order" stop_spoold
ok "the server too" stop_smtpd

done_testing
