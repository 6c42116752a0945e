#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# spoold --check-config: the manual's examples are right, and what is wrong
# with a file is told in a line, with its place.

. "${srcdir:?}/tests/run/lib.sh"

# check FILE: $said, $status
check() {
	said=$("$SPOOLD" -C "$1" --check-config 2>&1)
	status=$?
}

# ---- the manual's examples ---------------------------------------------

# Each "literal" display of EXAMPLES is a file: $dir/example.N
awk -v to="$dir/example." '
	/^\.Sh / { inside = $2 == "EXAMPLES" }
	inside && /^\.Bd -literal/ { n++; literal = 1; next }
	/^\.Ed/ { literal = 0 }
	literal { print > (to n) }
' "$srcdir/man/spoold.conf.5"

mkdir "$dir/etc"
for name in password app-password ses office shop host.pem; do
	(umask 077 && echo x >"$dir/etc/$name")
done
count=0
for file in "$dir"/example.*; do
	count=$((count + 1))
	sed -i "s|/etc/spoold/|$dir/etc/|; s|\\\\e|\\\\|g" "$file"
	check "$file"
	is "$status|$said" "0|" "example $(sed -n '/host\|relay/{p;q;}' "$file")"
done
at_most 10 "$count" "ten examples at least"
unlike "$(cat "$dir"/example.*)" '^\.|[\]' "which are read as they are shown"
for word in smtp.gmail.com smtp.office365.com amazonaws.com unix: localhost \
    srv: 'route \{' 'lane "' xoauth2 password_command rate; do
	like "$(cat "$dir"/example.*)" "$word" "one has $word"
done

# ---- its keys ----------------------------------------------------------

keys=$(sed -n 's/^\t{ "\([a-z_]*\)", config_set_.*/\1/p' \
    "$srcdir/lib/conf-keys.c" | sort -u)
documented=$(sed -n 's/^\.It Cm \([a-z_]*\)\( , .*\)*$/\1\2/p' \
    "$srcdir/man/spoold.conf.5" | tr -s ' ,' '\n' | sort -u)
is "$(comm -23 <(echo "$keys") <(echo "$documented"))" "" \
    "each key is in the manual"
at_most 45 "$(wc -l <<<"$keys")" "which are many"
printf 'nokey = x\n' >"$dir/wrong"
check "$dir/wrong"
like "$said" "unknown key 'nokey', known are spool, " "keys are listed"

# ---- the file that is installed ----------------------------------------

sed "s|@confdir@|$dir/etc|; s|@spooldir@|$dir/spool|" \
    "$srcdir/contrib/spoold.conf.in" >"$dir/installed"
check "$dir/installed"
is "$status|$said" "0|" "the installed file"
# With all that it proposes.
sed -E 's/^#([a-z\t}])/\1/; s/^tls = .*/tls = starttls/' "$dir/installed" \
    >"$dir/proposed"
check "$dir/proposed"
is "$status|$said" "0|" "the installed file with all of it"

# ---- what is wrong -----------------------------------------------------

wrong() { # WANT TEXT NAME
	printf '%s\n' "$2" >"$dir/wrong"
	check "$dir/wrong"
	is "$status|$said" "78|spoold: $dir/wrong:$1" "$3"
}

wrong "3: relay ses: port '99999' must be a number from 1 to 65535" \
    $'relay "ses" {\nhost = a.test\nport = 99999\n}' "a value"
wrong "2: relay ses: unknown key 'hots', did you mean 'host'?" \
    $'relay "ses" {\nhots = a.test\n}' "a key"
wrong "2: relay has no value" $'\nrelay =\n' "no value"
wrong "1: route: there is no relay 'b'" \
    $'route { relay = b }\nrelay a { host = a.test }' "a route to nowhere"
wrong "2: relay a: user is set, but password_file is not, nor password_command" \
    $'\nrelay a {\nhost = a.test\nuser = me\ntls = starttls\n}' "no password"

# ---- files -------------------------------------------------------------

secret="$dir/etc/password"
printf 'relay a {\nhost = a.test\nuser = me\ntls = starttls\n%s = "%s"\n}\n' \
    password_file "$secret" >"$dir/conf"
check "$dir/conf"
is "$status|$said" "0|" "a file of its owner's"
chmod 644 "$secret"
check "$dir/conf"
is "$status" 78 "a file for all to read"
like "$said" "conf:1: relay a: password_file '$secret': mode 0644 lets others \
read it: chmod 600" "which is said"
like "$said" "chmod 600" "and what to do"
rm "$secret"
check "$dir/conf"
is "$status" 78 "a file that is missing"
like "$said" "relay a: password_file '$secret': No such file" "which is said"

mkdir "$dir/credentials"
echo x >"$dir/credentials/relay-a"
chmod 440 "$dir/credentials/relay-a"
sed -i 's/^password_file.*/password_file = "relay-a"/' "$dir/conf"
said=$(CREDENTIALS_DIRECTORY=$dir/credentials "$SPOOLD" -C "$dir/conf" \
    --check-config 2>&1)
is "$?|$said" "0|" "a credential of systemd's"
check "$dir/conf"
is "$status" 78 "which nobody else has"
make_spool
said=$("$SENDMAIL" -C "$dir/conf" --spool "$spool" -f a@x.test b@x.test \
    2>&1 </dev/null)
is "$?|$said" "0|" "sendmail needs none"
done_testing
