#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# The libraries through which applications call sendmail, unmodified: what
# they send arrives, Bcc does not show, lines end in CRLF; and where sendmail
# could not keep the message, the application is told.

# shellcheck source-path=SCRIPTDIR
. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/callers.sh"

start_callers
bcc="to@y.test hidden@y.test"

# One whose spool is missing: nothing can be kept.
broken=$dir/broken
printf '#!/bin/sh\nexec "%s" -C /dev/null --spool "%s" "$@" 2>/dev/null\n' \
    "$SENDMAIL" "$dir/nowhere" >"$broken"
chmod 755 "$broken"

# has PROGRAM-OR-FILE CALLER PACKAGE: or the caller is skipped
has() {
	[ -e "$1" ] || command -v "$1" >/dev/null && return
	skip "$2" "it is not installed (Debian package $3)"
	return 1
}

# sent CALLER SUBJECT SENDER COMMAND...: the command succeeds, the message
# arrives, at $bcc.
sent() {
	local caller=$1 subject=$2 sender=$3
	shift 3
	"$@" >"$dir/caller.log" 2>&1
	is "$?$(<"$dir/caller.log")" 0 "$caller: success, in silence"
	# shellcheck disable=SC2086 # several recipients
	arrived "$caller" "$subject" "$sender" $bcc
}

# told CALLER COMMAND...: it fails, and not by a crash of its own.
told() {
	local caller=$1
	shift
	fails 3 "$caller: is told of a failure" "$@" 2>"$dir/caller.log"
}

# ---- PHP -----------------------------------------------------------------

# They exit 0 for success, 3 if they were told of a failure.
cat >"$dir/mail.php" <<'EOP'
<?php
[, $subject, $eol, $option] = $argv + [3 => ""];
$text = str_replace("\n", $eol == "crlf" ? "\r\n" : "\n", getenv("TEXT"));
exit(mail("to@y.test", $subject, $text,
    "From: Ann <php@x.test>\r\nBcc: Bea\r\n <hidden@y.test>\r\nX-Two: 2",
    $option) ? 0 : 3);
EOP
cat >"$dir/symfony.php" <<'EOP'
<?php
require "Symfony/Component/Mailer/autoload.php";
use Symfony\Component\Mailer\{Mailer, Transport};
use Symfony\Component\Mime\Email;

[, $subject, $command, $times] = $argv + [3 => 1];
try {
	$mailer = new Mailer(Transport::fromDsn(
	    "sendmail://default?command=" . urlencode($command)));
	for ($i = 0; $i < $times; $i++) {
		$mailer->send((new Email())->from("Sym <sym@x.test>")
		    ->to("to@y.test")->bcc("hidden@y.test")
		    ->subject($subject)->text(getenv("TEXT")));
	}
} catch (Symfony\Component\Mailer\Exception\TransportExceptionInterface $e) {
	fwrite(STDERR, $e->getMessage());
	exit(3);
}
EOP
cat >"$dir/swift.php" <<'EOP'
<?php
require "Swift/autoload.php";

[, $subject, $command] = $argv;
try {
	$transport = new Swift_SendmailTransport($command);
	$mailer = new Swift_Mailer($transport);
	$count = $mailer->send((new Swift_Message($subject))
	    ->setFrom(["swift@x.test" => "Swift"])->setTo("to@y.test")
	    ->setBcc("hidden@y.test")->setBody(getenv("TEXT")));
	$transport->stop();
} catch (Swift_TransportException $e) {
	fwrite(STDERR, $e->getMessage());
	exit(3);
}
exit($count == 2 ? 0 : 1);
EOP
TEXT=$text
export TEXT
# With -t and no -i they double dots, for a sendmail that halves them: Postfix
# does not, and nor may we.
dotted=${text//$'\n.'/$'\n..'}

php_mail() { # SENDMAIL OPTION-OF-PHP SUBJECT EOL [-fSENDER]
	php -n -d sendmail_path="$1 -t -i" -d "$2" "$dir/mail.php" "${@:3}"
}

if has php "PHP mail()" php-cli; then
	lf=mail.mixed_lf_and_crlf
	sent "PHP mail()" phptest "$self" \
		php_mail "$dir/sendmail" $lf=Off phptest lf
	sent "PHP mail(), CRLF text, -f" phpf bounce@x.test \
		php_mail "$dir/sendmail" $lf=Off phpf crlf -fbounce@x.test
	sent "PHP mail(), LF" phplf b@x.test \
		php_mail "$dir/sendmail" $lf=On phplf lf -fb@x.test
	sent "PHP mail(), LF and CRLF" phpmix b@x.test \
		php_mail "$dir/sendmail" $lf=On phpmix crlf -fb@x.test
	told "PHP mail()" php_mail "$broken" $lf=Off broken lf
fi

if has /usr/share/php/Symfony/Component/Mailer/autoload.php \
    "Symfony Mailer" php-symfony-mailer; then
	symfony=(php "$dir/symfony.php")
	for mode in "-bs" "-bs -i" "-t -i" "-oi -t"; do
		sent "Symfony Mailer $mode" "sym $mode" sym@x.test \
			"${symfony[@]}" "sym $mode" "$dir/sendmail $mode"
	done
	want_text=$dotted sent "Symfony Mailer -t" "sym -t" sym@x.test \
		"${symfony[@]}" "sym -t" "$dir/sendmail -t"
	"${symfony[@]}" many "$dir/sendmail -bs" 3
	for i in 1 2 3; do
		arrived "Symfony Mailer, $i of 3 in one -bs" many sym@x.test \
			to@y.test hidden@y.test
	done
	told "Symfony Mailer -bs" "${symfony[@]}" broken "$broken -bs"
	told "Symfony Mailer -t -i" "${symfony[@]}" broken "$broken -t -i"
fi

if has /usr/share/php/Swift/autoload.php SwiftMailer php-swiftmailer; then
	swift=(php -d error_reporting=8191 "$dir/swift.php")
	for mode in "-bs" "-t -i"; do
		sent "SwiftMailer $mode" "swift $mode" swift@x.test \
			"${swift[@]}" "swift $mode" "$dir/sendmail $mode"
	done
	want_text=$dotted sent "SwiftMailer -t" "swift -t" swift@x.test \
		"${swift[@]}" "swift -t" "$dir/sendmail -t"
	told "SwiftMailer -bs" "${swift[@]}" broken "$broken -bs"
fi

# ---- JavaScript, Python, Ruby ----------------------------------------------

cat >"$dir/mail.js" <<'EOJ'
const [subject, path, newline, from] = process.argv.slice(2);
require("nodemailer").createTransport({ sendmail: true, path, newline })
    .sendMail({
	from: "Node <node@x.test>", to: "to@y.test", bcc: "hidden@y.test",
	subject, text: process.env.TEXT,
	...(from && { envelope: { from, to: ["to@y.test", "hidden@y.test"] } }),
    }, (err) => {
	if (err)
		console.error(err.message);
	process.exit(err ? 3 : 0);
    });
EOJ
NODE_PATH=/usr/share/nodejs
export NODE_PATH
if has node Nodemailer nodejs && has $NODE_PATH/nodemailer Nodemailer \
    node-nodemailer; then
	node_mail=(node "$dir/mail.js")
	sent "Nodemailer" nodelf node@x.test "${node_mail[@]}" nodelf \
		"$dir/sendmail" unix
	sent "Nodemailer, CRLF" nodecrlf node@x.test "${node_mail[@]}" \
		nodecrlf "$dir/sendmail" windows
	sent "Nodemailer, an envelope" nodeenv bounce@x.test \
		"${node_mail[@]}" nodeenv "$dir/sendmail" unix bounce@x.test
	told "Nodemailer" "${node_mail[@]}" broken "$broken" unix
fi

cat >"$dir/mail.py" <<'EOP'
import os, subprocess, sys
from email.message import EmailMessage
from email.policy import SMTP

m = EmailMessage()
m["From"] = "Py <py@x.test>"
m["To"] = "to@y.test"
m["Bcc"] = "hidden@y.test"
m["Subject"] = sys.argv[1]
m.set_content(os.environ["TEXT"])
data = m.as_bytes(policy=SMTP) if "crlf" in sys.argv[1] else m.as_bytes()
sys.exit(3 if subprocess.run(sys.argv[2:], input=data).returncode else 0)
EOP
if has python3 Python python3; then
	sent "Python" pylf py@x.test python3 "$dir/mail.py" pylf \
		"$dir/sendmail" -t -oi -f py@x.test
	sent "Python, CRLF" pycrlf py@x.test python3 "$dir/mail.py" pycrlf \
		"$dir/sendmail" -ti -r py@x.test
	told "Python" python3 "$dir/mail.py" broken "$broken" -t -oi
fi

cat >"$dir/mail.rb" <<'EOR'
require "mail"

subject_, path = ARGV
Mail.defaults { delivery_method :sendmail, location: path }
Mail.deliver do
	from "Ruby <ruby@x.test>"
	to "to@y.test"
	bcc "hidden@y.test"
	subject subject_
	body ENV["TEXT"]
end
EOR
if has ruby "Ruby's mail" ruby && has /usr/lib/ruby/vendor_ruby/mail.rb \
    "Ruby's mail" ruby-mail; then
	sent "Ruby's mail" rubytest ruby@x.test ruby "$dir/mail.rb" rubytest \
		"$dir/sendmail"
	# This version does not look at the exit status: nothing to be told.
fi

# ---- Perl ------------------------------------------------------------------

# They write to a pipe, and nobody keeps SIGPIPE from them.
cat >"$dir/sender.pl" <<'EOP'
use strict;
use warnings;
use Email::Sender::Simple;
use Email::Sender::Transport::Sendmail;

my ($subject, $path) = @ARGV;
my $mail = "From: Perl <perl\@x.test>\r\nTo: to\@y.test\r\n" .
    "Subject: $subject\r\n\r\n$ENV{TEXT}";
eval {
	Email::Sender::Simple->send($mail, {
	    from => 'perl@x.test', to => ['to@y.test', 'hidden@y.test'],
	    transport => Email::Sender::Transport::Sendmail->new(
		{ sendmail => $path }) });
	1;
} or do { warn $@; exit 3 };
EOP
cat >"$dir/lite.pl" <<'EOP'
use strict;
use warnings;
use MIME::Lite;

my ($subject, @how) = @ARGV;
my $mail = MIME::Lite->new(From => 'Lite <lite@x.test>', To => 'to@y.test',
    Bcc => 'hidden@y.test', Subject => $subject, Data => $ENV{TEXT});
eval { $mail->send('sendmail', @how) } or exit 3;
EOP
if has perl Perl perl; then
	if perl -MEmail::Sender -e1 2>"$dir/perl.log"; then
		sent "Email::Sender" sendertest perl@x.test \
			perl "$dir/sender.pl" sendertest "$dir/sendmail"
		told "Email::Sender" perl "$dir/sender.pl" broken "$broken"
	else
		skip "Email::Sender" "it is missing (libemail-sender-perl)"
	fi
	if perl -MMIME::Lite -e1 2>"$dir/perl.log"; then
		sent "MIME::Lite" litetest "$self" \
			perl "$dir/lite.pl" litetest "$dir/sendmail -t -oi"
		sent "MIME::Lite, its own options" liteown lite@x.test \
			perl "$dir/lite.pl" liteown Sendmail "$dir/sendmail" \
			SetSender 1
		told "MIME::Lite" perl "$dir/lite.pl" broken "$broken -t"
	else
		skip "MIME::Lite" "it is missing (libmime-lite-perl)"
	fi
fi

end_callers
