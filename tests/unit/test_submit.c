/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Submission from bytes to queue file.  Every case is fed through a pipe,
 * whole and one byte at a time, and its queue file is read back.
 */

#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "lib/submit.h"
#include "tests/unit/unit.h"

/* 2001-09-09 01:46:40 UTC */
#define NOW_US 1000000000000000

static char origin[] = "o.test", hostname[] = "host.test";
/* All local names get the origin. */
static struct identity identity = { .origin = origin, .hostname = hostname };

#define DATE "Date: Sun, 9 Sep 2001 01:46:40 +0000\n"
#define ID "Message-Id: *\n"
#define ADDED "From: ann@o.test\n" DATE ID

enum { T = 1, DOT = 2, GATEWAY = 4 };

struct row {
	const char *name;
	const char *rcpts;  /* arguments as one list, or NULL */
	const char *sender; /* NULL: ann */
	const char *full_name;
	unsigned flags;
	const char *in;
	size_t in_len; /* 0: a string */
	int exit_code;
	const char *says;       /* part of the error */
	const char *want_rcpts; /* each followed by a space */
	const char *want;       /* the message with LF, ids as "*" */
};

#define BYTES(s) .in = (s), .in_len = sizeof(s) - 1

static const struct row rows[] = {
	/* what is added */
	{ "bare minimum", "a@d.test", .in = "Subject: hi\n\nbody\n",
	    .want_rcpts = "a@d.test ",
	    .want = "Subject: hi\n" ADDED "\nbody\n" },
	{ "full name", "a@d.test", .full_name = "Ann Ex",
	    .in = "Subject: hi\n\n", .want_rcpts = "a@d.test ",
	    .want = "Subject: hi\nFrom: Ann Ex <ann@o.test>\n" DATE ID "\n" },
	{ "full name with specials", "a@d.test",
	    .full_name = "O\"Brien, X (y) <z>", .in = "S: x\n\n",
	    .want_rcpts = "a@d.test ",
	    .want =
		"S: x\nFrom: \"O\\\"Brien, X (y) <z>\" <ann@o.test>\n" DATE ID
		"\n" },
	{ "a full name cannot make a header", "a@d.test",
	    .full_name = "A\nBcc: x@y.test", .in = "S: x\n\n",
	    .want_rcpts = "a@d.test ",
	    .want =
		"S: x\nFrom: \"A Bcc: x@y.test\" <ann@o.test>\n" DATE ID "\n" },
	{ "a full name of controls is none", "a@d.test",
	    .full_name = "\n\t \177", .in = "S: x\n\n",
	    .want_rcpts = "a@d.test ", .want = "S: x\n" ADDED "\n" },
	{ "what is there stays", "a@d.test", .full_name = "No",
	    .in = "DATE: then\nmessage-id : <m@x>\nfrom:\nS: 1\nS: 2\n\n",
	    .want_rcpts = "a@d.test ",
	    .want = "DATE: then\nmessage-id : <m@x>\nfrom:\nS: 1\nS: 2\n\n" },
	{ "null sender", "a@d.test", .sender = "<>", .in = "S: x\n\n",
	    .want_rcpts = "a@d.test ",
	    .want = "S: x\nFrom: MAILER-DAEMON\n" DATE ID "\n" },
	{ "gateway", "a@d.test", .flags = GATEWAY,
	    .in = "To: bob\nBcc: eve\n\nb\n", .want_rcpts = "a@d.test ",
	    .want = "To: bob\n\nb\n" },
	{ "empty input", "a@d.test", .in = "", .want_rcpts = "a@d.test ",
	    .want = ADDED "\n" },
	{ "resent", NULL, .flags = T,
	    .in = "From: s@x.test\nTo: t@x.test\nBcc: o@x.test\n"
		  "Resent-To: rt@x.test\nResent-Bcc: rb@x.test\nX: y\n\nb\n",
	    .want_rcpts = "rt@x.test rb@x.test ",
	    .want = "From: s@x.test\nTo: t@x.test\n"
		    "Resent-From: ann@o.test\n"
		    "Resent-Date: Sun, 9 Sep 2001 01:46:40 +0000\n"
		    "Resent-Message-Id: *\n"
		    "Resent-To: rt@x.test\nX: y\n\nb\n" },
	{ "Resent-From alone leaves the recipients", NULL, .flags = T,
	    .in = "From: s@x.test\nTo: t@x.test\nResent-From: r@x.test\n\n",
	    .want_rcpts = "t@x.test ",
	    .want = "From: s@x.test\nTo: t@x.test\n"
		    "Resent-Date: Sun, 9 Sep 2001 01:46:40 +0000\n"
		    "Resent-Message-Id: *\nResent-From: r@x.test\n\n" },
	/* what is taken away */
	{ "Bcc goes, with folds and a space before the colon", "a@d.test",
	    .flags = GATEWAY,
	    .in = "A: 1\nBcc : x@y.test,\n\tz@y.test\n  \n"
		  "RESENT-BCC: q\n Q\nB: 2\nbcc:\nReturn-Path: <r>\n"
		  "Content-Length: 3\nBccc: stays\n\nBcc: body\n",
	    .want_rcpts = "a@d.test ",
	    .want = "A: 1\nB: 2\nBccc: stays\n\nBcc: body\n" },
	{ "wishes go, all of them, with and without -G", "a@d.test",
	    .flags = GATEWAY,
	    .in = "A: 1\nX-Spool-TTL: 10m\nx-spool-lane : otp\n"
		  "X-SPOOL-NOT-BEFORE:\n +2m\nX-Spool-TTL: nonsense\n"
		  "Priority: urgent\nX-Spool: stays\nX-Spool-TTLs: 1\n\n"
		  "X-Spool-TTL: body\n",
	    .want_rcpts = "a@d.test ",
	    .want = "A: 1\nPriority: urgent\nX-Spool: stays\n"
		    "X-Spool-TTLs: 1\n\nX-Spool-TTL: body\n" },
	/* recipients */
	{ "header and arguments, once each, first spelling",
	    "Root, a@d.test, A@D.test", .flags = T | GATEWAY,
	    .in = "To: a@D.TEST, root@O.test, t@x.test\ncC:c@x.test\n"
		  "bcc: T@X.test\nApparently-To: no@x.test\n\n",
	    .want_rcpts = "Root@o.test a@d.test t@x.test c@x.test ",
	    .want = "To: a@D.TEST, root@O.test, t@x.test\ncC:c@x.test\n"
		    "Apparently-To: no@x.test\n\n" },
	{ "grammar", NULL, .flags = T | GATEWAY,
	    .in = "To: \"Doe, J\" <a@x.test>, b@x.test (D (n, x) y),\n"
		  " (p) c(m)@x.test; \nCc: T: d@x.test, \"E, F\" <e@x.test>;\n"
		  "Cc: <>, e@x.test f\n\n",
	    .want_rcpts = "a@x.test b@x.test c@x.test d@x.test e@x.test "
			  "f@o.test ",
	    .want =
		"To: \"Doe, J\" <a@x.test>, b@x.test (D (n, x) y),\n"
		" (p) c(m)@x.test; \nCc: T: d@x.test, \"E, F\" <e@x.test>;\n"
		"Cc: <>, e@x.test f\n\n" },
	{ "a leading dash is quoted", "-f@x.test a@d.test", .flags = GATEWAY,
	    .in = "\n", .want_rcpts = "\"-f\"@x.test a@d.test ", .want = "\n" },
	{ "none in the header", NULL, .flags = T,
	    .in = "To: undisclosed-recipients:;\nCc: (nobody)\nBcc:\n\n",
	    .exit_code = EX_USAGE, .says = "no recipients" },
	{ "none at all", NULL, .in = "To: a@x.test\n\n", .exit_code = EX_USAGE,
	    .says = "-t" },
	{ "an unclosed quote", NULL, .flags = T,
	    .in = "To: a@x.test, \"b@x.test\n\n", .exit_code = EX_DATAERR,
	    .says = "recipient in To" },
	{ "brackets in brackets", NULL, .flags = T,
	    .in = "Cc: <<a@x.test>>\n\n", .exit_code = EX_DATAERR,
	    .says = "recipient in Cc" },
	{ "an unreadable field without -t stays", "a@d.test", .flags = GATEWAY,
	    .in = "To: <<a\n\n", .want_rcpts = "a@d.test ",
	    .want = "To: <<a\n\n" },
	{ "8-bit in the header", NULL, .flags = T | GATEWAY,
	    .in = "To: \303\274@d.test, a@\303\274.test\n\n",
	    .want_rcpts = "\303\274@d.test a@\303\274.test ",
	    .want = "To: \303\274@d.test, a@\303\274.test\n\n" },
	{ "8-bit in the header that is not UTF-8", NULL, .flags = T,
	    .in = "To: \374@d.test\n\n", .exit_code = EX_DATAERR,
	    .says = "bad recipient '\\xFC@d.test': has 8-bit" },
	{ "8-bit in a name", "J\303\274rg \303\226 <a@d.test>",
	    .flags = GATEWAY, .in = "\n", .want_rcpts = "a@d.test ",
	    .want = "\n" },
	/* unqualified addresses */
	{ "local addresses are completed", "a@d.test",
	    .in = "From: root (Cron Daemon)\nTo: root,a@d.test\n"
		  "Reply-To: x\n y\nSubject: root\nDate: d\nMessage-Id: m\n\n",
	    .want_rcpts = "a@d.test ",
	    .want = "From: root@o.test (Cron Daemon)\n"
		    "To: root@o.test,a@d.test\nReply-To: x@o.test\n y@o.test\n"
		    "Subject: root\nDate: d\nMessage-Id: m\n\n" },
	/* where the body begins */
	{ "a leading empty line", "a@d.test", .flags = GATEWAY,
	    .in = "\nS: x\n", .want_rcpts = "a@d.test ", .want = "\nS: x\n" },
	{ "no header at all", "a@d.test", .flags = GATEWAY,
	    .in = "plain text\nS: x\n", .want_rcpts = "a@d.test ",
	    .want = "\nplain text\nS: x\n" },
	{ "a line that is no header", "a@d.test", .flags = GATEWAY,
	    .in = "S: x\nno header\n\nrest\n", .want_rcpts = "a@d.test ",
	    .want = "S: x\n\nno header\n\nrest\n" },
	{ "a fold of nothing", "a@d.test", .flags = GATEWAY, .in = " S: x\n",
	    .want_rcpts = "a@d.test ", .want = "\n S: x\n" },
	{ "mailbox lines at the start", "a@d.test", .flags = GATEWAY,
	    .in = "From joe Sat\r\n>From b\r\n>>From c\nS: x\n\nFrom t\n"
		  ">From u\n",
	    .want_rcpts = "a@d.test ", .want = "S: x\n\nFrom t\n>From u\n" },
	{ "a mailbox line inside the header", "a@d.test", .flags = GATEWAY,
	    .in = "S: x\nFrom joe Sat\nT: y\n", .want_rcpts = "a@d.test ",
	    .want = "S: x\n\nFrom joe Sat\nT: y\n" },
	{ "header without body", "a@d.test", .flags = GATEWAY, .in = "S: x",
	    .want_rcpts = "a@d.test ", .want = "S: x\n\n" },
	/* dots */
	{ "a lone dot is text", "a@d.test", .flags = GATEWAY,
	    .in = "\nx\n.\n..\n.y", .want_rcpts = "a@d.test ",
	    .want = "\nx\n.\n..\n.y\n" },
	{ "a lone dot ends", "a@d.test", .flags = GATEWAY | DOT,
	    .in = "\n..x\n.\r\r\ny\n", .want_rcpts = "a@d.test ",
	    .want = "\n..x\n" },
	{ "a lone dot at the end of input", "a@d.test", .flags = GATEWAY | DOT,
	    .in = "\nx\n.", .want_rcpts = "a@d.test ", .want = "\nx\n" },
	{ "a lone dot in the header", "a@d.test", .flags = GATEWAY | DOT,
	    .in = "S: x\n.\nT: y\n", .want_rcpts = "a@d.test ",
	    .want = "S: x\n\n" },
	/* line ends */
	{ "PHP: CRLF and LF", NULL, .flags = T | GATEWAY,
	    .in = "To: t@x.test\r\nBcc: b@x.test\r\n\r\n1\n2\n.\n4\r\n",
	    .want_rcpts = "t@x.test b@x.test ",
	    .want = "To: t@x.test\n\n1\n2\n.\n4\n" },
	{ "every CR before a line end goes", "a@d.test", .flags = GATEWAY,
	    .in = "S: x\r\r\n\r\r\r\nb\r\r\r\nc\r", .want_rcpts = "a@d.test ",
	    .want = "S: x\n\nb\nc\n" },
	{ "a bare CR is a space", "a@d.test", .flags = GATEWAY,
	    .in = "S: x\ry\n\nb\rc\r\rd\n\r.\r\r\n", .want_rcpts = "a@d.test ",
	    .want = "S: x y\n\nb c  d\n .\n" },
	{ "NUL and 8-bit in the body", "a@d.test", .flags = GATEWAY,
	    BYTES("S: x\n\nb\0c \377\376\303\274\n"), .want_rcpts = "a@d.test ",
	    .want = "S: x\n\nb?c \377\376\303\274\n" },
	{ "NUL in the header", "a@d.test", BYTES("S: x\0y\n\n"),
	    .exit_code = EX_DATAERR, .says = "NUL" },
	{ "NUL in a line that is no header", "a@d.test", .flags = GATEWAY,
	    BYTES("S\0: x\n"), .want_rcpts = "a@d.test ", .want = "\nS?: x\n" },
};

#define ROWS ((int)(sizeof(rows) / sizeof(rows[0])))

static char dir[] = "/tmp/spoold-submit.XXXXXX";
static struct spool spool;

static void
open_spool(void)
{
	char *why = NULL;

	ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(spool_create(dir, &why), 0);
	ck_assert_int_eq(spool_open(&spool, dir, SPOOL_OWN, &why), 0);
}

/* Remove what is in the directory NAME of the spool; how much it was. */
static int
empty(const char *name)
{
	char path[sizeof(dir) + 300];
	struct dirent *entry;
	int count = 0;
	DIR *list;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	list = opendir(path);
	ck_assert_ptr_nonnull(list);
	while ((entry = readdir(list)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(
		    path, sizeof(path), "%s/%s/%s", dir, name, entry->d_name);
		ck_assert_int_eq(unlink(path), 0);
		count++;
	}
	closedir(list);
	return count;
}

static void
close_spool(void)
{
	static const char *const names[] = { "tmp", "queue", "hold", "failed" };
	char path[sizeof(dir) + 10];
	size_t i;

	for (i = 0; i < 4; i++) {
		(void)empty(names[i]);
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		ck_assert_int_eq(rmdir(path), 0);
	}
	spool_close(&spool);
	ck_assert_int_eq(rmdir(dir), 0);
}

/* A descriptor that gives BYTES in reads of at most STEP. */
static int
feed(const char *bytes, size_t len, size_t step, pid_t *ret_pid)
{
	int ends[2];

	/* In packet mode each write is a read of its own. */
	ck_assert_int_eq(pipe2(ends, O_DIRECT), 0);
	*ret_pid = fork();
	ck_assert_int_ge(*ret_pid, 0);
	if (*ret_pid > 0) {
		close(ends[1]);
		return ends[0];
	}
	close(ends[0]);
	while (len > 0) {
		size_t n = len < step ? len : step;

		if (write(ends[1], bytes, n) != (ssize_t)n)
			_exit(1);
		bytes += n;
		len -= n;
	}
	_exit(0);
}

/* The message with LF for CRLF, "?" for NUL and "*" for an id. */
static char *
plain(const struct qfile *qf)
{
	size_t len = (size_t)qf->msg_bytes, i;
	char *raw = malloc(len + 1), *out = malloc(len + 1), *at = out;
	bool in_header = true;

	ck_assert_int_eq(qfile_read(qf, raw, len, 0), (ssize_t)len);
	raw[len] = '\0';
	for (i = 0; i < len; i++) {
		if (raw[i] == '\r') {
			ck_assert_int_eq(raw[i + 1], '\n');
			continue;
		}
		ck_assert(raw[i] != '\n' || raw[i - 1] == '\r');
		if (at > out + 1 && raw[i] == '\n' && at[-1] == '\n')
			in_header = false;
		if (in_header && i > 4 && raw[i] == '<' &&
		    memcmp(raw + i - 4, "Id: <", 5) == 0 &&
		    strstr(raw + i, "@o.test>") != NULL) {
			*at++ = '*';
			i += strcspn(raw + i, ">");
			continue;
		}
		*at++ = raw[i] == '\0' ? '?' : raw[i];
	}
	*at = '\0';
	free(raw);
	return out;
}

static void
check_rcpts(const struct envelope *env, const struct row *row)
{
	char rcpts[512] = "";

	for (size_t i = 0; i < env->nrcpts; i++) {
		strcat(rcpts, env->rcpts[i].addr);
		strcat(rcpts, " ");
		ck_assert_uint_eq(env->rcpts[i].notify, NOTIFY_DELAY);
	}
	ck_assert_str_eq(rcpts, row->want_rcpts);
}

static void
assert_queued(const char *id, const struct row *row)
{
	const char *why = NULL;
	struct qfile qf;
	char *text;

	ck_assert_int_eq(qfile_open(&qf, &spool, SPOOL_QUEUE, id, &why), 0);
	ck_assert_int_eq(qfile_verify(&qf), 0);
	ck_assert_int_eq(qf.env.arrival_us, NOW_US);
	ck_assert_str_eq(qf.env.sender, row->sender ? "" : "ann@o.test");
	check_rcpts(&qf.env, row);
	text = plain(&qf);
	ck_assert_str_eq(text, row->want);
	free(text);
	qfile_close(&qf);
}

static int
submit_row(const struct row *row, size_t step, char id[SPOOL_ID_SIZE],
    struct submit_report *report, struct submit_error *err)
{
	struct submit_options opts = {
		.header_rcpts = (row->flags & T) != 0,
		.dot_ends = (row->flags & DOT) != 0,
		.keep_header = (row->flags & GATEWAY) != 0,
		.identity = &identity,
		.full_name = row->full_name,
		.notify = NOTIFY_DELAY,
		.now_us = NOW_US,
	};
	struct envelope env = { .arrival_us = NOW_US };
	size_t len = row->in_len > 0 ? row->in_len : strlen(row->in);
	pid_t pid;
	int result, fd = feed(row->in, len, step, &pid);

	ck_assert_int_eq(submit_set_sender(&env,
			     span_of(row->sender != NULL ? row->sender : "ann"),
			     &identity, err),
	    0);
	if (row->rcpts != NULL)
		ck_assert_int_eq(
		    submit_add_rcpts(&env, span_of(row->rcpts), &identity, err),
		    0);
	if (report != NULL)
		result = submit_explain(&env, fd, &opts, report, err);
	else
		result = submit(&spool, &env, fd, &opts, id, err);
	close(fd);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	if (report != NULL && result == 0)
		check_rcpts(&env, row);
	envelope_release(&env);
	return result;
}

/* What submit_explain() says is what submit() did. */
static void
check_report(const char *id, const struct submit_report *report)
{
	const char *why = NULL;
	struct qfile qf;
	char *header = malloc(report->header_bytes + 2);
	size_t len = report->header_bytes;

	ck_assert_int_eq(qfile_open(&qf, &spool, SPOOL_QUEUE, id, &why), 0);
	ck_assert_uint_eq(qf.msg_bytes, report->size_bytes);
	ck_assert_int_eq(qfile_read(&qf, header, len + 2, 0), (ssize_t)len + 2);
	/* Message-Ids are made anew. */
	if (strstr(report->header, "@o.test>\r\n") == NULL)
		ck_assert_int_eq(memcmp(header, report->header, len), 0);
	ck_assert_int_eq(memcmp(header + len, "\r\n", 2), 0);
	free(header);
	qfile_close(&qf);
}

static void
check_row(const struct row *row, size_t step)
{
	struct submit_error err = { 0 }, report_err = { 0 };
	struct submit_report report = { NULL, 0, 0 };
	char id[SPOOL_ID_SIZE];
	int result = submit_row(row, step, id, &report, &report_err);

	ck_assert_int_eq(empty("queue") + empty("tmp"), 0);
	ck_assert_int_eq(submit_row(row, step, id, NULL, &err), result);
	ck_assert_int_eq(err.exit_code, report_err.exit_code);
	ck_assert_str_eq(err.text, report_err.text);

	if (row->exit_code != 0) {
		ck_assert_int_eq(result, -1);
		ck_assert_int_eq(err.exit_code, row->exit_code);
		ck_assert_msg(
		    strstr(err.text, row->says) != NULL, "%s", err.text);
		ck_assert_int_eq(empty("queue"), 0);
	} else {
		ck_assert_msg(result == 0, "%s: %s", row->name, err.text);
		assert_queued(id, row);
		check_report(id, &report);
		free(report.header);
		ck_assert_int_eq(empty("queue"), 1);
	}
	ck_assert_int_eq(empty("tmp"), 0);
}

START_TEST(a_message_becomes_a_queue_file)
{
	(void)signal(SIGPIPE, SIG_IGN);
	check_row(&rows[_i], 4096);
	check_row(&rows[_i], 1);
}
END_TEST

/* ---- wishes ------------------------------------------------------------ */

struct wishes {
	const char *lane;
	int ttl_s, delay_s; /* from the arrival; 0: none */
};

static const struct {
	const char *header;
	struct wishes given, want;
	const char *warns; /* part of it; NULL: of nothing */
} wish_rows[] = {
	{ .header = "" },
	{ "X-Spool-TTL: 10m\n", .want = { .ttl_s = 600 } },
	{ "X-Spool-TTL:\n\t10m \n", .want = { .ttl_s = 600 } },
	{ "X-Spool-TTL: 90\nX-Spool-TTL: 5m\n", .want = { .ttl_s = 90 } },
	{ "X-Spool-Not-Before: +2h\n", .want = { .delay_s = 7200 } },
	{ "X-Spool-Not-Before: 2001-09-09T02:46:40Z\n",
	    .want = { .delay_s = 3600 } },
	{ "X-Spool-Not-Before: 02:46:40\n", .want = { .delay_s = 3600 } },
	{ "X-Spool-Not-Before: 2001-09-09T00:46:40\n",
	    .want = { .delay_s = -3600 } },
	{ "X-Spool-Lane: otp\n", .want = { .lane = "otp" } },
	{ "X-Spool-Lane: a\nX-Spool-Lane: b\n", .want = { .lane = "a" } },
	{ "X-Spool-TTL: 2h\nX-Spool-Not-Before: +1h\nX-Spool-Lane: bulk\n",
	    .want = { "bulk", 7200, 3600 } },
	/* RFC 2156 */
	{ "Priority: urgent\n", .want = { .lane = "urgent" } },
	{ "priority: Non-Urgent \n", .want = { .lane = "non-urgent" } },
	{ "Priority: NORMAL\n", .want = { .lane = "normal" } },
	{ .header = "Priority: high\n" },
	{ .header = "Priority:\n" },
	{ .header = "X-Priority: 1\n" },
	/* who wins */
	{ "Priority: urgent\nX-Spool-Lane: otp\n", .want = { .lane = "otp" } },
	{ "X-Spool-Lane: otp\nPriority: urgent\nX-Spool-TTL: 5m\n"
	  "X-Spool-Not-Before: +1m\n",
	    .given = { "bulk", 3600, 60 }, .want = { "bulk", 3600, 60 } },
	{ "X-Spool-TTL: soon\nX-Spool-Lane: ?\nX-Spool-Not-Before: never\n",
	    .given = { "bulk", 3600, 60 }, .want = { "bulk", 3600, 60 } },
	/* wrong ones: the first counts, and is told */
	{ "X-Spool-TTL: soon\nX-Spool-TTL: 5m\n",
	    .warns = "X-Spool-TTL 'soon' is ignored: it takes a time" },
	{ "X-Spool-TTL:\n", .warns = "X-Spool-TTL '' is ignored" },
	{ "X-Spool-TTL: 0\n", .warns = "X-Spool-TTL '0' is ignored" },
	{ "X-Spool-TTL: 366d\n", .warns = "X-Spool-TTL '366d' is ignored" },
	{ "X-Spool-TTL: 10m\033[31m\n", .warns = "'10m\\x1B[31m' is ignored" },
	{ "X-Spool-TTL: 0000000000000000000000000000000000000000000000000000"
	  "000000000000010m\n",
	    .warns = "00000' is ignored" },
	{ "X-Spool-Not-Before: noon\n",
	    .warns = "X-Spool-Not-Before 'noon' is ignored: it takes" },
	{ "X-Spool-Lane: a b\n",
	    .warns = "X-Spool-Lane 'a b' is ignored: it takes" },
	{ "X-Spool-Lane: a b\nPriority: urgent\n", .want = { .lane = "urgent" },
	    .warns = "X-Spool-Lane 'a b'" },
	/* times that contradict each other */
	{ "X-Spool-TTL: 1h\nX-Spool-Not-Before: +1h\n",
	    .want = { .delay_s = 3600 },
	    .warns = "X-Spool-TTL '1h' is ignored: it ends before" },
	{ "X-Spool-TTL: 1h\n", .given = { .delay_s = 7200 },
	    .want = { .delay_s = 7200 }, .warns = "X-Spool-TTL '1h'" },
	{ "X-Spool-Not-Before: +2h\n", .given = { .ttl_s = 3600 },
	    .want = { .ttl_s = 3600 },
	    .warns = "X-Spool-Not-Before '+2h' is ignored: the message" },
};

#define WISH_ROWS ((int)(sizeof(wish_rows) / sizeof(wish_rows[0])))

static char warned[2000];

static void
note_warning(const char *text)
{
	ck_assert_str_eq(warned, "");
	snprintf(warned, sizeof(warned), "%s", text);
}

static int64_t
time_of(int offset_s)
{
	return offset_s == 0 ? 0 : NOW_US + offset_s * INT64_C(1000000);
}

START_TEST(a_header_may_wish)
{
	const struct wishes *given = &wish_rows[_i].given;
	const struct wishes *want = &wish_rows[_i].want;
	struct submit_options opts = { .identity = &identity,
		.now_us = NOW_US };
	struct envelope env = { .arrival_us = NOW_US,
		.expires_us = time_of(given->ttl_s),
		.not_before_us = time_of(given->delay_s) };
	struct submit_error err = { 0 };
	struct submit_report report;
	pid_t pid;
	int fd = feed(
	    wish_rows[_i].header, strlen(wish_rows[_i].header), 4096, &pid);

	warned[0] = '\0';
	identity.warn = note_warning;
	if (given->lane != NULL)
		env.lane = strdup(given->lane);
	ck_assert_int_eq(
	    submit_set_sender(&env, span_of("ann"), &identity, &err), 0);
	ck_assert_int_eq(
	    submit_add_rcpts(&env, span_of("a@b"), &identity, &err), 0);
	ck_assert_msg(submit_explain(&env, fd, &opts, &report, &err) == 0, "%s",
	    err.text);
	ck_assert_pstr_eq(env.lane, want->lane);
	ck_assert_int_eq(env.expires_us, time_of(want->ttl_s));
	ck_assert_int_eq(env.not_before_us, time_of(want->delay_s));
	if (wish_rows[_i].warns == NULL)
		ck_assert_str_eq(warned, "");
	else
		ck_assert_msg(
		    strstr(warned, wish_rows[_i].warns) != NULL, "%s", warned);
	ck_assert_ptr_null(strcasestr(report.header, "X-Spool-"));
	identity.warn = NULL;
	close(fd);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	free(report.header);
	envelope_release(&env);
}
END_TEST

/* ---- senders and arguments --------------------------------------------- */

static const struct {
	const char *text;
	const char *want; /* NULL: refused */
} senders[] = {
	{ "a@x.test", "a@x.test" },
	{ "root", "root@o.test" },
	{ "", "" },
	{ "<>", "" },
	{ " ", "" },
	{ "Ann <a@x.test>", "a@x.test" },
	{ "<a@x.test>", "a@x.test" },
	{ "\"a b\"@x.test", "\"a b\"@x.test" },
	{ "-x@x.test", "\"-x\"@x.test" },
	{ "a@x.test b@x.test", NULL },
	{ "<a@x.test", NULL },
	{ "-x", NULL },
	{ "a\001@x.test", NULL },
	{ "\303\274@x.test", "\303\274@x.test" },
	{ "a@\303\274.test", "a@\303\274.test" },
	{ "\374@x.test", NULL },
	{ "a@\374.test", NULL },
	{ "J\303\274rg <a@x.test>", "a@x.test" },
};

START_TEST(a_sender_is_one_address_or_none)
{
	struct envelope env = { 0 };
	struct submit_error err = { 0 };
	int result =
	    submit_set_sender(&env, span_of(senders[_i].text), &identity, &err);

	if (senders[_i].want == NULL) {
		ck_assert_int_eq(result, -1);
		ck_assert_int_eq(err.exit_code, EX_DATAERR);
		ck_assert_ptr_nonnull(strstr(err.text, "bad sender"));
		ck_assert_ptr_null(strchr(err.text, '\001'));
	} else {
		ck_assert_msg(result == 0, "%s", err.text);
		ck_assert_str_eq(env.sender, senders[_i].want);
	}
	envelope_release(&env);
}
END_TEST

static const struct {
	const char *text, *says;
} bad_rcpts[] = {
	{ "a\200@d.test",
	    "'a\\x80@d.test': has 8-bit characters that are not UTF-8" },
	{ "a@ex\344mple.test",
	    "'a@ex\\xE4mple.test': has 8-bit characters that are not" },
	{ "b@d.test, a\033[31m@d.test",
	    "'a\\x1B[31m@d.test': has a control character" },
	{ "b@d.test a\001@d.test", "'a\\x01@d.test': has a control character" },
	{ "\"a\001 b\"@d.test",
	    "'\"a\\x01 b\"@d.test': has a control character" },
	{ "a@d.test\013b", "'a@d.test\\x0Bb': has a control character" },
	{ "a@d.test\177", "'a@d.test\\x7F': has a control character" },
	{ "a@d.test, <<b>>", "'<<b>>': not an address" },
	{ "bad@@d.test", "'bad@@d.test': not an address" },
	{ "b@d.test, \"a@d.test", "'\"a@d.test': not an address" },
	{ "b@d.test, a@", "'a@': not an address" },
	{ "a@d.test, <b", "'<b': not an address" },
};

START_TEST(a_bad_recipient_is_named)
{
	struct envelope env = { 0 };
	struct submit_error err = { 0 };

	ck_assert_int_eq(submit_add_rcpts(&env, span_of(bad_rcpts[_i].text),
			     &identity, &err),
	    -1);
	ck_assert_int_eq(err.exit_code, EX_DATAERR);
	ck_assert_msg(strncmp(err.text, "bad recipient ", 14) == 0 &&
		strncmp(err.text + 14, bad_rcpts[_i].says,
		    strlen(bad_rcpts[_i].says)) == 0,
	    "it says: %s", err.text);
	envelope_release(&env);
}
END_TEST

/* ---- sizes ------------------------------------------------------------- */

/* A file with BYTES of pattern after HEAD, deleted already. */
static int
big_input(const char *head, const char *pattern, size_t bytes)
{
	FILE *out = tmpfile();
	size_t i, len = strlen(pattern);
	int fd;

	ck_assert_ptr_nonnull(out);
	fputs(head, out);
	for (i = 0; i < bytes; i += len)
		fwrite(pattern, 1, len, out);
	ck_assert_int_eq(fflush(out), 0);
	fd = dup(fileno(out));
	fclose(out);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static const struct {
	const char *head;
	const char *pattern;
	size_t bytes;
	uint64_t size_max;
	size_t recipients_max;
	int exit_code;
	uint64_t want_bytes; /* stored */
	size_t want_rcpts;
} sizes[] = {
	/* a body of lines: one CR more for each */
	{ "To: a@x.test\n\n", "0123456\n", 800000, 0, 0, 0, 14 + 2 + 900000,
	    1 },
	/* one line longer than any buffer */
	{ "To: a@x.test\n\n", "x", 1000000, 0, 0, 0, 16 + 1000002 + 3 * 1003,
	    1 },
	/* the same without a header in front of it */
	{ "", "x", 1000000, 0, 0, EX_USAGE, 0, 0 },
	/* the limit, exactly, and one less */
	{ "To: a@x.test\n\n", "x", 100, 118, 0, 0, 118, 1 },
	{ "To: a@x.test\n\n", "x", 100, 117, 0, EX_UNAVAILABLE, 0, 0 },
	/* a header that never ends */
	{ "To: a@x.test\nX: ", "x", SUBMIT_HEADER_MAX, 0, 0, EX_UNAVAILABLE, 0,
	    0 },
	/* as many recipients as allowed, the duplicates not counted */
	{ "To: a@x.test\nCc: ", "A@x.test, b@x.test,\n ", 20000, 0, 2, 0, 0,
	    2 },
	{ "To: a@x.test\nCc: ", "A@x.test, b@x.test,\n ", 20000, 0, 1,
	    EX_UNAVAILABLE, 0, 0 },
	/* CRs in a run longer than the buffer are spaces or gone, not CRs */
	{ "To: a@x.test\n\nx", "\r", 200000, 0, 0, 0, 0, 1 },
};

START_TEST(sizes_are_bounded_and_counted)
{
	struct submit_options opts = {
		.header_rcpts = true,
		.keep_header = true,
		.identity = &identity,
		.size_max = sizes[_i].size_max,
		.recipients_max = sizes[_i].recipients_max,
		.now_us = NOW_US,
	};
	struct envelope env = { .arrival_us = NOW_US };
	struct submit_error err = { 0 };
	const char *why = NULL;
	char id[SPOOL_ID_SIZE], *text;
	struct qfile qf;
	int result,
	    fd = big_input(sizes[_i].head, sizes[_i].pattern, sizes[_i].bytes);

	ck_assert_int_eq(
	    submit_set_sender(&env, span_of("ann"), &identity, &err), 0);
	result = submit(&spool, &env, fd, &opts, id, &err);
	close(fd);
	envelope_release(&env);
	ck_assert_int_eq(err.exit_code, sizes[_i].exit_code);
	ck_assert_int_eq(result, sizes[_i].exit_code == 0 ? 0 : -1);
	if (result == 0) {
		ck_assert_int_eq(
		    qfile_open(&qf, &spool, SPOOL_QUEUE, id, &why), 0);
		if (sizes[_i].want_bytes > 0)
			ck_assert_uint_eq(qf.msg_bytes, sizes[_i].want_bytes);
		ck_assert_uint_eq(qf.env.nrcpts, sizes[_i].want_rcpts);
		text = plain(&qf); /* no bare CR or LF */
		free(text);
		qfile_close(&qf);
	}
	ck_assert_int_eq(empty("queue"), result == 0);
	ck_assert_int_eq(empty("tmp"), 0);
}
END_TEST

START_TEST(twenty_thousand_recipients_are_no_trouble)
{
	struct submit_options opts = {
		.header_rcpts = true, .identity = &identity, .now_us = NOW_US
	};
	struct envelope env = { .arrival_us = NOW_US };
	struct submit_error err = { 0 };
	char id[SPOOL_ID_SIZE];
	FILE *out = tmpfile();
	int i;

	fputs("To: first@x.test", out);
	for (i = 0; i < 20000; i++)
		fprintf(out, ",\n u%d@x.test, U%d@X.test", i, i);
	fputs("\n\n", out);
	rewind(out);
	ck_assert_int_eq(
	    submit_set_sender(&env, span_of("ann"), &identity, &err), 0);
	ck_assert_int_eq(submit(&spool, &env, fileno(out), &opts, id, &err), 0);
	ck_assert_uint_eq(env.nrcpts, 20001);
	ck_assert_str_eq(env.rcpts[0].addr, "first@x.test");
	ck_assert_str_eq(env.rcpts[20000].addr, "u19999@x.test");
	fclose(out);
	envelope_release(&env);
}
END_TEST

/* ---- SMTPUTF8 ---------------------------------------------------------- */

static const struct {
	const char *in, *sender, *rcpt;
	bool is_utf8;
} charsets[] = {
	{ "Subject: x\n\n\303\274\n", "ann", "a@x.test", false },
	{ "Subject: \303\274\n\n", "ann", "a@x.test", true },
	{ "Subject: \374\n\n", "ann", "a@x.test", false },
	{ "Subject: \303\274 \374\n\n", "ann", "a@x.test", false },
	{ "\n\n", "\303\274@x.test", "a@x.test", true },
	{ "\n\n", "ann", "a@\303\274.test", true },
	/* the header as it leaves */
	{ "Bcc: \303\274 <a@x.test>\nSubject: x\n\n", "ann", "a@x.test",
	    false },
};

START_TEST(what_needs_smtputf8_is_marked)
{
	struct submit_options opts = { .identity = &identity,
		.now_us = NOW_US };
	struct envelope env = { .arrival_us = NOW_US };
	struct submit_error err = { 0 };
	const char *why = NULL;
	char id[SPOOL_ID_SIZE];
	struct qfile qf;
	int fd = big_input(charsets[_i].in, "", 0);

	ck_assert_int_eq(submit_set_sender(&env, span_of(charsets[_i].sender),
			     &identity, &err),
	    0);
	ck_assert_int_eq(
	    submit_add_rcpts(&env, span_of(charsets[_i].rcpt), &identity, &err),
	    0);
	ck_assert_int_eq(submit(&spool, &env, fd, &opts, id, &err), 0);
	ck_assert_int_eq(qfile_open(&qf, &spool, SPOOL_QUEUE, id, &why), 0);
	ck_assert_int_eq(qf.env.is_utf8, charsets[_i].is_utf8);
	qfile_close(&qf);
	close(fd);
	envelope_release(&env);
}
END_TEST

/* ---- long lines -------------------------------------------------------- */

static const struct {
	const char *head, *pattern;
	size_t bytes, want_bytes; /* of the message */
} long_lines[] = {
	{ "X: y\n\n", "x", 998, 8 + 1000 },
	{ "X: y\n\n", "x", 999, 8 + 1001 + 3 },
	{ "X: y\nDKIM-Signature: v=1\n\n", "x", 999, 8 + 21 + 1001 },
	{ "arc-seal : v=1\n\n", "x", 5000, 18 + 5002 },
	{ "ARC-Message-Signature: v=1\n\n", "x", 5000, 30 + 5002 },
	{ "DomainKey-Signature: v=1\n\n", "x", 5000, 28 + 5002 },
	{ "X-DKIM-Signature: v=1\n\n", "x", 999, 25 + 1001 + 3 },
	{ "DKIM-Signature: v=1\nX:", "x", 5000, 21 + 2 + 5000 + 4 },
	{ "X:", "x", 996, 1000 + 2 },
	{ "X:", "x", 997, 1001 + 2 + 3 },
	{ "X:", " x", 1994, 1996 + 4 + 2 },
};

START_TEST(long_lines_are_broken_unless_signed)
{
	struct submit_options opts = {
		.identity = &identity, .keep_header = true, .now_us = NOW_US
	};
	struct envelope env = { .arrival_us = NOW_US };
	struct submit_error err = { 0 };
	const char *why = NULL;
	char id[SPOOL_ID_SIZE];
	struct qfile qf;
	int fd = big_input(
	    long_lines[_i].head, long_lines[_i].pattern, long_lines[_i].bytes);

	ck_assert_int_eq(
	    submit_set_sender(&env, span_of("ann"), &identity, &err), 0);
	ck_assert_int_eq(
	    submit_add_rcpts(&env, span_of("a@x.test"), &identity, &err), 0);
	ck_assert_int_eq(submit(&spool, &env, fd, &opts, id, &err), 0);
	ck_assert_int_eq(qfile_open(&qf, &spool, SPOOL_QUEUE, id, &why), 0);
	ck_assert_uint_eq(qf.msg_bytes, long_lines[_i].want_bytes);
	qfile_close(&qf);
	close(fd);
	envelope_release(&env);
}
END_TEST

/* ---- failures ---------------------------------------------------------- */

START_TEST(an_unreadable_input_queues_nothing)
{
	struct submit_options opts = { .identity = &identity,
		.now_us = NOW_US };
	struct envelope env = { .arrival_us = NOW_US };
	struct submit_error err = { 0 };
	char id[SPOOL_ID_SIZE];
	int fd = open("/", O_RDONLY | O_DIRECTORY);

	ck_assert_int_eq(
	    submit_set_sender(&env, span_of("ann"), &identity, &err), 0);
	ck_assert_int_eq(
	    submit_add_rcpts(&env, span_of("a@x.test"), &identity, &err), 0);
	ck_assert_int_eq(submit(&spool, &env, fd, &opts, id, &err), -1);
	ck_assert_int_eq(err.exit_code, EX_IOERR);
	ck_assert_int_eq(empty("queue"), 0);
	close(fd);
	envelope_release(&env);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("submit");
	TCase *tc = tcase_create("submit");

	tcase_add_checked_fixture(tc, open_spool, close_spool);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_message_becomes_a_queue_file, 0, ROWS);
	tcase_add_loop_test(tc, a_header_may_wish, 0, WISH_ROWS);
	tcase_add_loop_test(tc, a_sender_is_one_address_or_none, 0,
	    (int)(sizeof(senders) / sizeof(senders[0])));
	tcase_add_loop_test(tc, a_bad_recipient_is_named, 0,
	    (int)(sizeof(bad_rcpts) / sizeof(bad_rcpts[0])));
	tcase_add_loop_test(tc, sizes_are_bounded_and_counted, 0,
	    (int)(sizeof(sizes) / sizeof(sizes[0])));
	tcase_add_loop_test(tc, what_needs_smtputf8_is_marked, 0,
	    (int)(sizeof(charsets) / sizeof(charsets[0])));
	tcase_add_loop_test(tc, long_lines_are_broken_unless_signed, 0,
	    (int)(sizeof(long_lines) / sizeof(long_lines[0])));
	tcase_add_test(tc, twenty_thousand_recipients_are_no_trouble);
	tcase_add_test(tc, an_unreadable_input_queues_nothing);
	suite_add_tcase(s, tc);
	return unit_main(s);
}
