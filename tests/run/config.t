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
for name in password app-password ses office shop; do
	(umask 077 && echo x >"$dir/etc/$name")
done
# Nobody asks what is in them.
for name in CERTIFICATE 'PRIVATE KEY'; do
	(umask 077 && echo "-----BEGIN $name-----" >>"$dir/etc/host.pem")
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
sed -E "s/^#([a-z\t}])/\1/; s/^tls = .*/tls = starttls/
    s|\"/etc/email|\"$dir/etc/email|" "$dir/installed" >"$dir/proposed"
echo 'root ann@example.com' >"$dir/etc/email-addresses"
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
wrong "4: relay a: user is set, but password_file is not, nor password_command" \
    $'\nrelay a {\nhost = a.test\nuser = me\ntls = starttls\n}' "no password"
wrong "3: connections_max must not be less than connections" \
    $'relay = a.test\nconnections = 10\nconnections_max = 5' "a limit"
wrong "2: '=' has no key before it" $'relay = a.test\n=' "a stray sign"
wrong "1: bounce_rate takes one value, not a list" \
    'bounce_rate = {"5/h", "2/s"}' "a list for one value"
wrong "1: lifetime '0' must be a time from 1s to 3650d, such as 10s, 5m, 1h \
or 2d" 'lifetime = 0' "a time"
said=$("$SPOOLD" -C "$dir/installed" --relay a.test --user me --check-config \
    2>&1)
is "$?|$said" "78|spoold: command line: user is set, but password_file is \
not, nor password_command" "what no file has said"

# ---- files -------------------------------------------------------------

secret="$dir/etc/password"
printf 'relay a {\nhost = a.test\nuser = me\ntls = starttls\n%s = "%s"\n}\n' \
    password_file "$secret" >"$dir/conf"
check "$dir/conf"
is "$status|$said" "0|" "a file of its owner's"
: >"$secret"
check "$dir/conf"
is "$status|$said" "78|spoold: $dir/conf:5: relay a: password_file '$secret': \
is empty" "an empty one"
chmod 644 "$secret"
check "$dir/conf"
is "$status" 78 "a file for all to read"
like "$said" "conf:5: relay a: password_file '$secret': mode 0644 lets others \
read it: chmod 600" "which is said"
like "$said" "chmod 600" "and what to do"
rm "$secret"
check "$dir/conf"
is "$status" 78 "a file that is missing"
like "$said" "relay a: password_file '$secret': No such file" "which is said"

echo "-----BEGIN CERTIFICATE REQUEST-----" >"$dir/etc/ca"
printf 'relay = a.test\n\nca_file = "%s"\n' "$dir/etc/ca" >"$dir/wrong"
check "$dir/wrong"
is "$status|$said" "78|spoold: $dir/wrong:3: ca_file '$dir/etc/ca': has no \
certificate (-----BEGIN CERTIFICATE-----)" "an authority that is none"

for key in generic aliases; do
	map=$dir/etc/$key
	printf 'relay = a.test\naliases = none\n' >"$dir/wrong"
	sed -i "/^$key/d" "$dir/wrong"
	echo "$key = \"$map\"" >>"$dir/wrong"
	check "$dir/wrong"
	is "$status" 78 "$key that are not there"
	like "$said" "wrong:[23]: $key '$map': No such file" "with key and line"
	printf '# none\n\nroot\n' >"$map"
	check "$dir/wrong"
	is "$status" 78 "$key with a bad line"
	like "$said" "^spoold: $map:3: skipped: no " "of which it is told"
	printf 'root:\tann@x.test\n' >"$map"
	check "$dir/wrong"
	is "$status|$said" "0|" "good $key"
done

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
