#!/bin/bash
# SPDX-License-Identifier: ISC
# SPDX-FileCopyrightText: the spoold authors
#
# spoolq report: a page that needs no other, and that no message can change.

TEST_TIMEOUT=240
. "${srcdir:?}/tests/run/lib.sh"
. "$srcdir/tests/run/queue.sh"
need python3 python3

make_spool

put() { # STATE ID AGE_S SENDER RCPT...
	local state=$1 id=$2 arrival=$(($(now) - $3 * 1000000))
	shift 3
	printf 'Subject: %s\n\nbody\n' "$id" | crlf |
	    put_message "$spool/$state" "$id" "$arrival" "$@"
}

# well_formed FILE: every element is closed, and nothing is from elsewhere
well_formed() {
	python3 - "$1" <<'END'
import html.parser
import sys

VOID = {"meta", "link", "br"}
SVG = {"rect", "line", "circle"}


class Page(html.parser.HTMLParser):
    stack = []
    ids = set()

    def look(self, tag, attrs):
        for name, value in attrs:
            if name in ("src", "srcset", "xlink:href", "action", "style") or \
                    name.startswith("on"):
                sys.exit("%s has %s" % (tag, name))
            if name == "href" and value != "data:,":
                sys.exit("%s: %s" % (tag, value))
            if name == "id":
                if value in self.ids:
                    sys.exit("id twice: " + value)
                self.ids.add(value)
        if tag in ("script", "iframe", "img", "object", "form"):
            sys.exit("there is a " + tag)

    def handle_starttag(self, tag, attrs):
        self.look(tag, attrs)
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.look(tag, attrs)
        if tag not in SVG:
            sys.exit("closed at once: " + tag)

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            sys.exit("closed but not open: " + tag)


text = open(sys.argv[1], encoding="utf-8").read()
page = Page()
page.feed(text)
if page.stack:
    sys.exit("left open: %s" % page.stack)
for word in "@import", "url(":
    if word in text:
        sys.exit("has " + word)
END
}

# ---- the command line --------------------------------------------------

fails 64 "no file" spoolq report 2>"$dir/err"
is "$(head -n 1 "$dir/err")" "spoolq: --html FILE is missing" \
    "which is said"
fails 73 "no such directory" spoolq report --html "$dir/none/x" \
    2>"$dir/err"
fails 73 "no regular file" spoolq report --html /dev/null 2>"$dir/err"
ok "which is still there" [ -c /dev/null ]

# ---- an empty spool, without a spoold ----------------------------------

spoolq report --html - >"$dir/empty.html" 2>"$dir/err"
is "$?/$(<"$dir/err")" 0/ "an empty spool"
ok "a page" well_formed "$dir/empty.html"
like "$(<"$dir/empty.html")" \
    '<strong>CRITICAL</strong> spoold is not running' "says so"

# ---- the file ----------------------------------------------------------

www=$dir/www
mkdir "$www"
(umask 022 && spoolq report --html "$www/r.html")
is "$(stat -c %a "$www/r.html")" 640 "it is not for everybody"
chmod 644 "$www/r.html"
ok "again" spoolq report --html "$www/r.html"
is "$(stat -c %a "$www/r.html")" 644 "unless that was said"
is "$(find "$www" -name '.*' -type f)" "" "nothing stays"
chmod 666 "$www/r.html"
ok "again, where others may write" spoolq report --html "$www/r.html"
is "$(stat -c %a "$www/r.html")" 664 "they may not any more"
chmod 644 "$www/r.html"
if [ "$(id -u)" -eq 0 ]; then
	chown 12345:23456 "$www/r.html"
	chmod 640 "$www/r.html"
	ok "again, as root" spoolq report --html "$www/r.html"
	is "$(stat -c %u:%g:%a "$www/r.html")" 12345:23456:640 \
	    "it stays whose it was"
	chown 0:0 "$www/r.html"
	chmod 644 "$www/r.html"
else
	skip "the owner" "not root"
fi

# ---- hostile text, with a spoold ---------------------------------------

bad='<script>alert(1)</script>'
put queue 3286A1B2C1 400 ann@x.test '"%3Cimg/src=x>"@y.test'
put queue 3286A1B2C2 90000 '<>' bob@xn--b.test
put hold 3286A1B2C3 9000 '"%3C/td>%3Cb>"@x.test' carl@y.test
cat >"$dir/script" <<EOS
rcpt match=*bob* reply "450 4.2.0 $bad & \\"quotes' \\x1b[2J </svg>"
rcpt match=*img* reply "450 4.2.1 <img src=http://192.0.2.1/x> $bad"
EOS
start_smtpd --script "$dir/script"
start_spoold --relay "127.0.0.1:$smtpd_port" --tls none
send_simple ann@x.test ok1@y.test ok2@y.test
ok "two are delivered" wait_for 10 has_events 2 delivered
ok "two put off" wait_for 10 has_events 2 deferred
spoolq report --html - >"$dir/hostile.html"
is "$?" 0 "a page of hostile texts"
ok "is well formed, and has nothing from elsewhere" \
    well_formed "$dir/hostile.html"
like "$(<"$dir/hostile.html")" '&lt;script&gt;alert' "they are shown"
like "$(<"$dir/hostile.html")" '&quot;&lt;/td&gt;&lt;b&gt;&quot;@x.test' \
    "senders too"
unlike "$(<"$dir/hostile.html")" $'\x1b' "harmless"
ok "filters are taken" spoolq report --html "$www/one.html" --state held
unlike "$(<"$www/one.html")" 'xn--b.test' "they leave out what does not match"
like "$(<"$www/one.html")" '<code>--state held</code>' "and stand there"
verdict() {
	sed -n 's/.*class="verdict.*<strong>\(.*\)/\1/p' "$1"
}
spoolq report --html "$www/all.html"
spoolq report --html "$www/none.html" --from nobody@x.test
is "$(verdict "$www/none.html")" "$(verdict "$www/all.html")" \
    "the verdict is about all"
spoolq report --html "$www/id.html" 3286A1B2C3 3286A1B2FF 2>"$dir/err"
is "$?/$(<"$dir/err")" "66/spoolq: 3286A1B2FF: no such message" \
    "an id that is not there"
like "$(<"$www/id.html")" '<code>2 ids</code>' "the page is written"
unlike "$(<"$www/id.html")" 'xn--b.test' "about the other one"
sed 's|</main>||' "$dir/hostile.html" >"$dir/open.html"
fails 1 "an open element would be found" well_formed "$dir/open.html" \
    2>"$dir/err"

# ---- in a browser ------------------------------------------------------

chromium=$(command -v chromium || command -v chromium-browser)
if [ -z "$chromium" ]; then
	skip "in a browser" "chromium is not installed"
	done_testing
fi

# browse URL WIDTH HEIGHT ARGS...: what it says is in $dir/browser.err
browse() {
	local url=$1 size=$2,$3
	shift 3
	timeout -k 5 60 "$chromium" --headless=new --no-sandbox \
	    --disable-gpu --disable-dev-shm-usage --hide-scrollbars \
	    --disable-background-networking --disable-component-update \
	    --disable-sync --no-first-run --user-data-dir="$dir/chromium" \
	    --enable-logging=stderr --window-size="$size" "$@" "$url" \
	    >"$dir/browser.out" 2>"$dir/browser.err"
}

# png_size FILE: its width and height
png_size() {
	od -An -t u4 --endian=big -j 16 -N 8 "$1" | tr -s ' '
}

cp "$dir/hostile.html" "$www/r.html"
python3 "$srcdir/tests/run/report-server.py" "$www" "$dir/web.port" \
    "$dir/web.log" 2>"$dir/web.err" &
server=$!
ok "a web server" wait_for 10 test -s "$dir/web.port"
url=http://127.0.0.1:$(<"$dir/web.port")

# A page that does ask for something: it would be seen.
echo '<img src="/other.png"><script>console.error("no")</script>' \
    >"$www/control.html"
browse "$url/control.html" 800 600 --dump-dom
if [ ! -s "$dir/browser.out" ]; then
	skip "in a browser" "chromium does not run here"
	kill "$server"
	done_testing
fi
ok "what a page asks for is seen" has_line "$dir/web.log" other.png
ok "so is its complaint" has_line "$dir/browser.err" CONSOLE

for size in 1280x900 390x844; do
	for scheme in light dark; do
		: >"$dir/web.log"
		flag=--blink-settings=preferredColorScheme=1
		[ "$scheme" = light ] ||
		    flag=--blink-settings=preferredColorScheme=0
		browse "$url/r.html" "${size%x*}" "${size#*x}" "$flag" \
		    --screenshot="$dir/$size-$scheme.png"
		is "$(png_size "$dir/$size-$scheme.png")" " ${size/x/ }" \
		    "$size, $scheme: a picture"
		is "$(grep -c CONSOLE "$dir/browser.err")" 0 \
		    "without a complaint"
		is "$(<"$dir/web.log")" "GET /r.html HTTP/1.1" \
		    "or another request"
	done
	fails 1 "dark is not light" cmp -s "$dir/$size"-{light,dark}.png
done

# Another page measures this one in a frame.
cat >"$www/measure.html" <<'END'
<body><script>
function measure(width) {
	return new Promise(function (done) {
		var frame = document.createElement("iframe");
		frame.style.width = width + "px";
		frame.style.border = 0;
		frame.onload = function () {
			var d = frame.contentDocument, small = 0;
			d.querySelectorAll("body *").forEach(function (e) {
				var size = parseFloat(getComputedStyle(e).fontSize);
				if (!e.closest("svg") && size < 14)
					small++;
			});
			done(width + ": " +
			    (d.documentElement.scrollWidth <= width) + " small " +
			    small + " plots " +
			    d.querySelectorAll("svg[role=img]>title+desc").length);
		};
		frame.src = "r.html";
		document.body.appendChild(frame);
	});
}
measure(390).then(function (a) {
	measure(1280).then(function (b) {
		document.body.textContent = "[" + a + "; " + b + "]";
	});
});
</script>
END
browse "$url/measure.html" 1400 900 --virtual-time-budget=10000 --dump-dom
like "$(<"$dir/browser.out")" \
    '\[390: true small 0 plots 7; 1280: true small 0 plots 7\]' \
    "nothing sticks out, nothing is tiny, plots have titles"
kill "$server"

done_testing
