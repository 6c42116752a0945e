/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * lib/spool.c, draft.c and qfile.c: what is published is whole and can be
 * read, and what is not whole is never taken for a message.
 */

#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "lib/spool.h"
#include "tests/unit/scratch.h"
#include "tests/unit/unit.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* 2026-01-01 00:00:00.123456 UTC, and the id made of it. */
#define NOW_US 1767225600123456ll
#define NOW_ID "2C1873C07B"
#define MESSAGE "Subject: x\r\n\r\nbody\r\n"

static char *scratch;
static struct spool sp;

static void
setup(void)
{
	char *what;

	umask(077);
	scratch = scratch_enter();
	ck_assert_int_eq(spool_create("sp", &what), 0);
	ck_assert_int_eq(spool_open(&sp, "sp", SPOOL_OWN, &what), 0);
	ck_assert_int_eq(chdir("sp"), 0);
}

static void
teardown(void)
{
	spool_close(&sp);
	spool_close(&sp);
	scratch_leave(scratch);
}

static int
count_entries(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, NULL);

	ck_assert_int_ge(n, 2);
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	return n - 2;
}

static struct envelope
make_envelope(void)
{
	struct envelope env = { .arrival_us = NOW_US,
		.uid = 1000,
		.ret = RET_HDRS,
		.body = BODY_8BITMIME };

	ck_assert_int_eq(envelope_set_sender(&env, "ann@example.org"), 0);
	ck_assert_int_eq(envelope_add(&env, "bob@example.net"), 0);
	ck_assert_int_eq(envelope_add(&env, "\"c d\"@example.net"), 0);
	env.rcpts[1].notify = NOTIFY_NEVER;
	return env;
}

static void
begin(struct draft *d)
{
	struct envelope env = make_envelope();

	ck_assert_int_eq(draft_open(d, &sp, &env), 0);
	envelope_release(&env);
}

/* Publish BYTES as one message. */
static void
publish(const void *bytes, size_t len, char id[SPOOL_ID_SIZE])
{
	struct draft d;

	begin(&d);
	ck_assert_int_eq(draft_write(&d, bytes, len), 0);
	ck_assert_int_eq(draft_publish(&d, NOW_US, id), 0);
}

static int
try_open(const char *id, const char **why)
{
	struct qfile qf;
	int err;

	*why = NULL;
	err = qfile_open(&qf, &sp, SPOOL_QUEUE, id, why);
	if (err == 0)
		qfile_close(&qf);
	return err;
}

/* ---- directories ----------------------------------------------------- */

/* Row _i's umask changes nothing. */
START_TEST(created_spools_are_private)
{
	static const char *const names[] = { "n", "n/tmp", "n/queue", "n/hold",
		"n/failed" };
	struct stat st;
	char *what;

	umask(_i == 0 ? 0 : 077);
	ck_assert_int_eq(spool_create("n", &what), 0);
	ck_assert_int_eq(spool_create("n", &what), 0);
	for (int i = 0; i < COUNT(names); i++) {
		ck_assert_int_eq(lstat(names[i], &st), 0);
		ck_assert_int_eq((int)st.st_mode, S_IFDIR | 0700);
	}
}
END_TEST

START_TEST(create_says_what_failed)
{
	char *what = NULL;

	ck_assert_int_eq(spool_create("none/n", &what), -ENOENT);
	ck_assert_str_eq(what, "none/n");
	free(what);
	scratch_put("f", "", 0);
	ck_assert_int_eq(spool_create("f", &what), -ENOTDIR);
	ck_assert_str_eq(what, "f/tmp");
	free(what);
}
END_TEST

static const struct {
	const char *command, *why;
	int err;
} faults[] = {
	{ "rm -r n", "is missing", -ENOENT },
	{ "rm -r n; touch n", "is not a directory", -ENOTDIR },
	{ "chmod 0777 n", "is writable by everybody (mode 0777)", -EPERM },
	{ "chmod 1777 n", "is writable by everybody (mode 1777)", -EPERM },
	{ "rmdir n/tmp", "tmp/ is missing", -ENOENT },
	{ "rmdir n/queue", "queue/ is missing", -ENOENT },
	{ "rmdir n/hold", "hold/ is missing", -ENOENT },
	{ "rmdir n/failed", "failed/ is missing", -ENOENT },
	{ "mv n/queue n/q; ln -s q n/queue", "queue/ is not a directory",
	    -ENOTDIR },
	{ "rmdir n/tmp; touch n/tmp", "tmp/ is not a directory", -ENOTDIR },
	{ "chmod 0722 n/queue", "queue/ is writable by everybody (mode 0722)",
	    -EPERM },
	{ "chmod 0702 n/failed", "failed/ is writable by everybody (mode 0702)",
	    -EPERM },
};

START_TEST(open_refuses_what_is_wrong)
{
	struct spool other;
	char *why = NULL;

	ck_assert_int_eq(spool_create("n", &why), 0);
	ck_assert_int_eq(system(faults[_i].command), 0);
	ck_assert_int_eq(
	    spool_open(&other, "n", SPOOL_OWN, &why), faults[_i].err);
	ck_assert_pstr_eq(why, faults[_i].why);
	free(why);
}
END_TEST

START_TEST(admission_needs_two_directories)
{
	struct spool other;
	struct stat st;
	char *why = NULL;

	ck_assert_int_eq(system("rmdir hold failed"), 0);
	ck_assert_int_eq(spool_open(&other, ".", SPOOL_ADMIT, &why), 0);
	ck_assert_int_eq(other.state_fd[SPOOL_HOLD], -1);
	ck_assert_int_eq(fstat(other.state_fd[SPOOL_QUEUE], &st), 0);
	spool_close(&other);
	ck_assert_int_eq(spool_open(&other, ".", SPOOL_READ, &why), -ENOENT);
	ck_assert_str_eq(why, "hold/ is missing");
	free(why);
}
END_TEST

START_TEST(one_process_has_the_lock)
{
	struct spool other;
	char *why;

	ck_assert_int_eq(spool_lock(&sp), 0);
	ck_assert_int_eq(spool_lock(&sp), 0);
	ck_assert_int_eq(spool_open(&other, ".", SPOOL_OWN, &why), 0);
	ck_assert_int_eq(spool_lock(&other), -EWOULDBLOCK);
	ck_assert_int_eq(other.lock_fd, -1);
	spool_close(&sp);
	ck_assert_int_eq(spool_lock(&other), 0);
	ck_assert_int_ne(fcntl(other.lock_fd, F_GETFD) & FD_CLOEXEC, 0);
	spool_close(&other);
}
END_TEST

static const struct {
	const char *name;
	bool is_id;
} names[] = {
	{ NOW_ID, true },
	{ "01234567", true },
	{ "89ABCDEF012", true },
	{ "0123456", false },
	{ "0123456789AB", false },
	{ "", false },
	{ "2b0e5adb7b", false },
	{ "2B0E5ADB7G", false },
	{ "2B0E5ADB7B.x", false },
	{ "../queue/2B", false },
	{ "2B0E5ADB7B\n", false },
	{ ".2B0E5ADB7", false },
};

START_TEST(ids_are_upper_case_hex)
{
	const char *why;

	ck_assert_int_eq(spool_is_id(names[_i].name), names[_i].is_id);
	if (names[_i].is_id)
		return;
	ck_assert_int_eq(try_open(names[_i].name, &why), -EBADMSG);
	ck_assert_int_eq(
	    spool_move(&sp, names[_i].name, SPOOL_QUEUE, SPOOL_HOLD), -EINVAL);
	ck_assert_int_eq(
	    spool_remove(&sp, names[_i].name, SPOOL_QUEUE), -EINVAL);
}
END_TEST

/* ---- admission ------------------------------------------------------- */

/* Bit 0 of _i: without O_TMPFILE.  Bit 1: the umask. */
START_TEST(published_messages_are_read_back)
{
	char id[SPOOL_ID_SIZE], buf[64];
	const char *why = NULL;
	struct qfile qf;
	struct stat st;

	sp.no_tmpfile = _i & 1;
	umask(_i & 2 ? 0 : 077);
	publish(MESSAGE, strlen(MESSAGE), id);
	ck_assert_str_eq(id, NOW_ID);
	ck_assert_int_eq(stat("queue/" NOW_ID, &st), 0);
	ck_assert_int_eq((int)st.st_mode, S_IFREG | 0640);
	ck_assert_int_eq((int)st.st_nlink, 1);
	ck_assert_int_eq(count_entries("tmp"), 0);
	ck_assert_int_eq(count_entries("queue"), 1);

	ck_assert_int_eq(qfile_open(&qf, &sp, SPOOL_QUEUE, id, &why), 0);
	ck_assert_int_eq(qfile_verify(&qf), 0);
	ck_assert_uint_eq(qf.owner, geteuid());
	ck_assert_uint_eq(qf.msg_bytes, strlen(MESSAGE));
	ck_assert_uint_eq(qf.env_bytes + qf.msg_bytes, (uint64_t)st.st_size);
	ck_assert_int_eq(qf.env.arrival_us, NOW_US);
	ck_assert_uint_eq(qf.env.uid, 1000);
	/* The spool's owner may speak for others. */
	ck_assert_uint_eq(qf.uid, 1000);
	ck_assert_str_eq(qf.env.sender, "ann@example.org");
	ck_assert_uint_eq(qf.env.nrcpts, 2);
	ck_assert_str_eq(qf.env.rcpts[1].addr, "\"c d\"@example.net");
	ck_assert_uint_eq(qf.env.rcpts[1].notify, NOTIFY_NEVER);
	ck_assert_int_eq(
	    qfile_read(&qf, buf, sizeof(buf), 0), (ssize_t)strlen(MESSAGE));
	ck_assert_mem_eq(buf, MESSAGE, strlen(MESSAGE));
	ck_assert_int_eq(qfile_read(&qf, buf, 4, 9), 4);
	ck_assert_mem_eq(buf, "x\r\n\r", 4);
	ck_assert_int_eq(qfile_read(&qf, buf, 99, qf.msg_bytes - 2), 2);
	ck_assert_int_eq(qfile_read(&qf, buf, 9, qf.msg_bytes), 0);
	ck_assert_int_eq(qfile_read(&qf, buf, 9, UINT64_MAX), 0);
	qfile_close(&qf);
	qfile_close(&qf);
}
END_TEST

START_TEST(the_first_line_is_as_documented)
{
	char id[SPOOL_ID_SIZE], *text;
	size_t len;

	publish(MESSAGE, strlen(MESSAGE), id);
	text = scratch_get("queue/" NOW_ID, &len);
	ck_assert_int_eq(
	    strncmp(text, "spoold/1 00000140 000000000020 ", 31), 0);
	ck_assert_uint_eq(strspn(text + 31, "0123456789abcdef"), 8);
	ck_assert_int_eq(
	    strncmp(text + 39,
		"\narrival 1767225600123456\n"
		"uid 1000\nsender ann@example.org\nret HDRS\nbody 8BITMIME\n"
		"rcpt bob@example.net\n",
		102),
	    0);
	ck_assert_str_eq(text + len - strlen(MESSAGE) - 2, "\n\n" MESSAGE);
	free(text);
}
END_TEST

static const size_t sizes[] = { 0, 1, 65000, 65363, 65364, 65535, 65536, 65537,
	131072, 1000000 };

/* Sizes about the buffer's, in pieces of odd length. */
START_TEST(any_size_comes_back)
{
	size_t size = sizes[_i], done = 0, piece = 1;
	char *sent = malloc(size + 1), *got = malloc(size + 1);
	char id[SPOOL_ID_SIZE];
	const char *why;
	struct draft d;
	struct qfile qf;

	ck_assert_ptr_nonnull(sent);
	ck_assert_ptr_nonnull(got);
	for (size_t i = 0; i < size; i++)
		sent[i] = (char)(i * 31 + i / 251);
	begin(&d);
	while (done < size) {
		piece = piece * 7 % 70001;
		if (piece > size - done)
			piece = size - done;
		ck_assert_int_eq(draft_write(&d, sent + done, piece), 0);
		done += piece;
	}
	ck_assert_int_eq(draft_publish(&d, NOW_US, id), 0);
	ck_assert_int_eq(qfile_open(&qf, &sp, SPOOL_QUEUE, id, &why), 0);
	ck_assert_int_eq(qfile_verify(&qf), 0);
	ck_assert_int_eq(qfile_read(&qf, got, size + 1, 0), (ssize_t)size);
	ck_assert_mem_eq(got, sent, size);
	qfile_close(&qf);
	free(sent);
	free(got);
}
END_TEST

START_TEST(taken_ids_are_not_given_again)
{
	char id[SPOOL_ID_SIZE];

	sp.no_tmpfile = _i == 1;
	scratch_put("hold/2C1873C07C", "", 0);
	ck_assert_int_eq(symlink("nowhere", "failed/2C1873C07D"), 0);
	publish("1", 1, id);
	ck_assert_str_eq(id, "2C1873C07B");
	publish("2", 1, id);
	ck_assert_str_eq(id, "2C1873C07E");
	publish("3", 1, id);
	ck_assert_str_eq(id, "2C1873C07F");
	ck_assert_int_eq(count_entries("queue"), 3);
	ck_assert_int_eq(count_entries("tmp"), 0);
}
END_TEST

static const struct {
	int64_t now_us;
	const char *id;
} clocks[] = {
	{ 0, "0000000000" },
	{ INT64_MIN, "0000000000" },
	{ 1577836799999999, "0000000000" },
	{ 1577836800000000, "0000000000" },
	{ 1577836800001000, "0000000001" },
	{ 2677348427775000, "FFFFFFFFFF" },
	{ 2677348427776000, "10000000000" },
	{ INT64_MAX, "FFFFFFE795F" },
};

START_TEST(any_clock_gives_an_id)
{
	struct draft d;
	char id[SPOOL_ID_SIZE];

	begin(&d);
	ck_assert_int_eq(draft_publish(&d, clocks[_i].now_us, id), 0);
	ck_assert_str_eq(id, clocks[_i].id);
	ck_assert(spool_is_id(id));
}
END_TEST

START_TEST(abandoned_drafts_leave_nothing)
{
	struct draft d, zero = { 0 };

	sp.no_tmpfile = _i == 1;
	begin(&d);
	ck_assert_int_eq(count_entries("tmp"), _i);
	ck_assert_int_eq(draft_write(&d, MESSAGE, strlen(MESSAGE)), 0);
	draft_abandon(&d);
	draft_abandon(&d);
	draft_abandon(&zero);
	ck_assert_int_eq(fcntl(0, F_GETFD) >= 0, 1);
	ck_assert_int_eq(count_entries("tmp"), 0);
	ck_assert_int_eq(count_entries("queue"), 0);
}
END_TEST

START_TEST(what_cannot_be_read_is_not_admitted)
{
	struct envelope env = make_envelope();
	struct draft d;

	env.envid = strdup("a\nb");
	ck_assert_int_eq(draft_open(&d, &sp, &env), -EINVAL);
	envelope_release(&env);
	ck_assert_int_eq(draft_open(&d, &sp, &env), -EINVAL);
	ck_assert_int_eq(envelope_set_sender(&env, ""), 0);
	ck_assert_int_eq(draft_open(&d, &sp, &env), -EINVAL);
	envelope_release(&env);
}
END_TEST

/* The file may get LIMIT bytes; what is written is longer. */
static const struct {
	rlim_t limit;
	size_t size;
} limits[] = {
	{ 0, 1 },
	{ 39, 10 },
	{ 40, 10 },
	{ 200, 1000 },
	{ 65536, 65536 },
	{ 100000, 300000 },
	{ 131072, 1000000 },
};

START_TEST(a_full_disk_leaves_nothing)
{
	struct rlimit rl = { limits[_i / 2].limit, RLIM_INFINITY };
	char *bytes = calloc(1, limits[_i / 2].size), id[SPOOL_ID_SIZE] = "";
	struct draft d;
	int err;

	ck_assert_ptr_nonnull(bytes);
	sp.no_tmpfile = _i % 2 == 1;
	signal(SIGXFSZ, SIG_IGN);
	begin(&d);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &rl), 0);
	err = draft_write(&d, bytes, limits[_i / 2].size);
	ck_assert(err == 0 || err == -EFBIG);
	/* The first error stays, whoever looks away. */
	if (err != 0)
		ck_assert_int_eq(draft_write(&d, bytes, 1), -EFBIG);
	ck_assert_int_eq(draft_publish(&d, NOW_US, id), -EFBIG);
	ck_assert_str_eq(id, "");
	rl.rlim_cur = RLIM_INFINITY;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &rl), 0);
	ck_assert_int_eq(count_entries("tmp"), 0);
	ck_assert_int_eq(count_entries("queue"), 0);
	free(bytes);
}
END_TEST

/* fsync(2) of a descriptor that only names a directory fails. */
START_TEST(a_failed_sync_takes_the_name_back)
{
	char id[SPOOL_ID_SIZE] = "";
	struct draft d;

	sp.no_tmpfile = _i == 1;
	close(sp.state_fd[SPOOL_QUEUE]);
	sp.state_fd[SPOOL_QUEUE] = open("queue", O_PATH | O_CLOEXEC);
	begin(&d);
	ck_assert_int_eq(draft_publish(&d, NOW_US, id), -EBADF);
	ck_assert_str_eq(id, "");
	ck_assert_int_eq(count_entries("queue"), 0);
	ck_assert_int_eq(count_entries("tmp"), 0);
}
END_TEST

/* ---- reading --------------------------------------------------------- */

START_TEST(torn_files_are_recognised)
{
	char id[SPOOL_ID_SIZE], *whole;
	const char *why;
	size_t len;

	publish(MESSAGE, strlen(MESSAGE), id);
	whole = scratch_get("queue/" NOW_ID, &len);
	for (size_t torn = 0; torn < len; torn++) {
		scratch_put("queue/" NOW_ID, whole, torn);
		ck_assert_int_eq(try_open(id, &why), -EBADMSG);
		ck_assert_str_eq(why,
		    torn < SPOOL_LINE_BYTES ? "is too short"
					    : "is not as long as it should be");
		/* As a crash leaves it that keeps the size, not the data. */
		ck_assert_int_eq(truncate("queue/" NOW_ID, (off_t)len), 0);
		struct qfile qf;
		int err = qfile_open(&qf, &sp, SPOOL_QUEUE, id, &why);
		if (err == 0) {
			ck_assert_int_eq(qfile_verify(&qf), -EBADMSG);
			qfile_close(&qf);
		} else {
			ck_assert_int_eq(err, -EBADMSG);
		}
	}
	scratch_put("queue/" NOW_ID, whole, len);
	ck_assert_int_eq(try_open(id, &why), 0);
	whole[len] = 'x';
	scratch_put("queue/" NOW_ID, whole, len + 1);
	ck_assert_int_eq(try_open(id, &why), -EBADMSG);
	free(whole);
}
END_TEST

/* Flip bit _i of every byte in turn: refused at once, or by the CRC. */
START_TEST(flipped_bits_are_found)
{
	char id[SPOOL_ID_SIZE], *whole;
	const char *why;
	struct qfile qf;
	size_t len, found_late = 0;
	int err;

	publish(MESSAGE, strlen(MESSAGE), id);
	whole = scratch_get("queue/" NOW_ID, &len);
	for (size_t at = 0; at < len; at++) {
		whole[at] = (char)(whole[at] ^ 1 << _i);
		scratch_put("queue/" NOW_ID, whole, len);
		whole[at] = (char)(whole[at] ^ 1 << _i);
		err = qfile_open(&qf, &sp, SPOOL_QUEUE, id, &why);
		if (err == 0) {
			ck_assert_int_eq(qfile_verify(&qf), -EBADMSG);
			qfile_close(&qf);
			found_late++;
		} else {
			ck_assert_int_eq(err, -EBADMSG);
		}
	}
	ck_assert_uint_ge(found_late, strlen(MESSAGE));
	free(whole);
}
END_TEST

/* A file cut while it is read is torn, not short. */
START_TEST(a_file_cut_while_open_is_torn)
{
	static char text[20000];
	char id[SPOOL_ID_SIZE];
	const char *why;
	struct qfile qf;

	memset(text, 'x', sizeof(text));
	publish(text, sizeof(text), id);
	ck_assert_int_eq(qfile_open(&qf, &sp, SPOOL_QUEUE, id, &why), 0);
	ck_assert_int_eq(qfile_verify(&qf), 0);
	ck_assert_int_eq(truncate("queue/" NOW_ID, 10000), 0);
	ck_assert_int_eq(qfile_verify(&qf), -EBADMSG);
	qfile_close(&qf);
}
END_TEST

/* What was read with the envelope is not read again, but is the same. */
START_TEST(a_message_is_read_whole_at_any_place)
{
	static char text[6000], back[sizeof(text)];
	char id[SPOOL_ID_SIZE];
	const char *why;
	struct qfile qf;

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 23);
	publish(text, sizeof(text), id);
	ck_assert_int_eq(qfile_open(&qf, &sp, SPOOL_QUEUE, id, &why), 0);
	for (size_t off = 0; off <= sizeof(text); off += 97) {
		size_t want =
		    sizeof(text) - off < 500 ? sizeof(text) - off : 500;

		ck_assert_int_eq(
		    qfile_read(&qf, back, 500, off), (ssize_t)want);
		ck_assert_mem_eq(back, text + off, want);
	}
	qfile_close(&qf);
}
END_TEST

/* A valid message is good.msg, also as tmp/x; each makes a queue/ entry. */
static const struct {
	const char *command, *why;
	int err;
} foreign[] = {
	{ "ln -s ../good.msg queue/" NOW_ID, "is not a regular file",
	    -EBADMSG },
	{ "ln -s nowhere queue/" NOW_ID, "is not a regular file", -EBADMSG },
	{ "mkfifo queue/" NOW_ID, "is not a regular file", -EBADMSG },
	{ "mkdir queue/" NOW_ID "; touch queue/" NOW_ID "/f",
	    "is not a regular file", -EBADMSG },
	{ ": >queue/" NOW_ID, "is too short", -EBADMSG },
	{ "head -c 300 /dev/zero >queue/" NOW_ID, "is not a queue file",
	    -EBADMSG },
	{ "sed s,spoold/1,spoold/2, good.msg >queue/" NOW_ID,
	    "has an unknown version", -EBADMSG },
	{ "sed 's,^spoold/1 0,spoold/1 -,' good.msg >queue/" NOW_ID,
	    "has a bad first line", -EBADMSG },
	{ "sed '1s,........$,XXXXXXXX,' good.msg >queue/" NOW_ID,
	    "has a bad first line", -EBADMSG },
	{ "sed '1s,^spoold/1 ........,spoold/1 00000000,' good.msg "
	  ">queue/" NOW_ID,
	    "has a bad envelope length", -EBADMSG },
	{ "sed '1s,^spoold/1 ........,spoold/1 99999999,' good.msg "
	  ">queue/" NOW_ID,
	    "has a bad envelope length", -EBADMSG },
	{ "sed '1s, 000000000020 , 999999999999 ,' good.msg >queue/" NOW_ID,
	    "is not as long as it should be", -EBADMSG },
	{ "sed 's,^rcpt,rcxt,' good.msg >queue/" NOW_ID, "lacks a recipient",
	    -EBADMSG },
};

static void
plant(int row)
{
	char id[SPOOL_ID_SIZE];

	publish(MESSAGE, strlen(MESSAGE), id);
	ck_assert_int_eq(rename("queue/" NOW_ID, "good.msg"), 0);
	ck_assert_int_eq(system(foreign[row].command), 0);
}

START_TEST(foreign_entries_are_no_messages)
{
	const char *why;

	plant(_i);
	ck_assert_int_eq(try_open(NOW_ID, &why), foreign[_i].err);
	if (foreign[_i].why == NULL)
		ck_assert_ptr_null(why);
	else
		ck_assert_pstr_eq(why, foreign[_i].why);
}
END_TEST

/* The note about the relay is there or not, however often it is made. */
START_TEST(the_relay_is_noted)
{
	struct stat st;

	ck_assert(!spool_is_ascii_only(&sp));
	ck_assert_int_eq(spool_set_ascii_only(&sp, false), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(spool_set_ascii_only(&sp, true), 0);
		ck_assert(spool_is_ascii_only(&sp));
	}
	ck_assert_int_eq(stat(SPOOL_ASCII_ONLY_NAME, &st), 0);
	ck_assert_int_eq(st.st_size, 0);
	ck_assert_int_eq(spool_set_ascii_only(&sp, false), 0);
	ck_assert(!spool_is_ascii_only(&sp));
	/* What somebody else put there is neither followed nor opened. */
	ck_assert_int_eq(symlink("../other", SPOOL_ASCII_ONLY_NAME), 0);
	ck_assert(spool_is_ascii_only(&sp));
	ck_assert_int_eq(spool_set_ascii_only(&sp, true), 0);
	ck_assert_int_eq(access("../other", F_OK), -1);
	ck_assert_int_eq(spool_set_ascii_only(&sp, false), 0);
	ck_assert(!spool_is_ascii_only(&sp));
}
END_TEST

START_TEST(a_socket_is_no_message)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX,
		.sun_path = "queue/" NOW_ID };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *why;

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(try_open(NOW_ID, &why), -EBADMSG);
	ck_assert_str_eq(why, "is not a regular file");
	close(fd);
	ck_assert_int_eq(unlink("queue/" NOW_ID), 0);
	ck_assert_int_eq(try_open(NOW_ID, &why), -ENOENT);
	ck_assert_ptr_null(why);
}
END_TEST

/* ---- what the holder of the lock does -------------------------------- */

START_TEST(damaged_entries_are_set_aside)
{
	struct stat before, after;
	char *why;

	plant(_i);
	ck_assert_int_eq(lstat("queue/" NOW_ID, &before), 0);
	ck_assert_int_eq(
	    spool_set_aside(&sp, SPOOL_QUEUE, NOW_ID, "is odd"), 0);
	ck_assert_int_eq(count_entries("queue"), 0);
	ck_assert_int_eq(lstat("failed/" NOW_ID ".damaged", &after), 0);
	ck_assert_uint_eq(after.st_ino, before.st_ino);
	ck_assert_uint_eq(after.st_mode, before.st_mode);
	why = scratch_get("failed/" NOW_ID ".damaged.why", NULL);
	ck_assert_str_eq(why, "is odd\n");
	free(why);
}
END_TEST

START_TEST(set_aside_never_replaces)
{
	char *text;

	for (int i = 0; i < 3; i++) {
		scratch_put("hold/odd", &"123"[i], 1);
		ck_assert_int_eq(
		    spool_set_aside(&sp, SPOOL_HOLD, "odd", "x"), 0);
	}
	scratch_put("failed/odd", "4", 1);
	ck_assert_int_eq(spool_set_aside(&sp, SPOOL_FAILED, "odd", "x"), 0);
	ck_assert_int_eq(count_entries("failed"), 8);
	text = scratch_get("failed/odd.damaged", NULL);
	ck_assert_str_eq(text, "1");
	free(text);
	text = scratch_get("failed/odd.damaged.2", NULL);
	ck_assert_str_eq(text, "3");
	free(text);
	text = scratch_get("failed/odd.damaged.3", NULL);
	ck_assert_str_eq(text, "4");
	free(text);
}
END_TEST

START_TEST(odd_names_become_harmless)
{
	char name[256], path[300];

	scratch_put("queue/a b\n;\x1b[2J\xff", "", 0);
	ck_assert_int_eq(
	    spool_set_aside(&sp, SPOOL_QUEUE, "a b\n;\x1b[2J\xff", "x"), 0);
	ck_assert_int_eq(access("failed/a_b____2J_.damaged", F_OK), 0);
	memset(name, 'n', 255);
	name[255] = '\0';
	snprintf(path, sizeof(path), "queue/%s", name);
	scratch_put(path, "", 0);
	ck_assert_int_eq(spool_set_aside(&sp, SPOOL_QUEUE, name, "x"), 0);
	snprintf(path, sizeof(path), "failed/%.200s.damaged", name);
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(
	    spool_set_aside(&sp, SPOOL_QUEUE, "../good", "x"), -EINVAL);
	ck_assert_int_eq(spool_set_aside(&sp, SPOOL_QUEUE, "..", "x"), -EINVAL);
	ck_assert_int_eq(spool_set_aside(&sp, SPOOL_QUEUE, "", "x"), -EINVAL);
	ck_assert_int_eq(
	    spool_set_aside(&sp, SPOOL_QUEUE, "none", "x"), -ENOENT);
}
END_TEST

START_TEST(messages_move_and_go)
{
	char id[SPOOL_ID_SIZE];
	const char *why;
	struct qfile qf;

	publish(MESSAGE, strlen(MESSAGE), id);
	ck_assert_int_eq(spool_move(&sp, id, SPOOL_QUEUE, SPOOL_HOLD), 0);
	ck_assert_int_eq(try_open(id, &why), -ENOENT);
	ck_assert_int_eq(qfile_open(&qf, &sp, SPOOL_HOLD, id, &why), 0);
	qfile_close(&qf);
	ck_assert_int_eq(spool_move(&sp, id, SPOOL_QUEUE, SPOOL_HOLD), -ENOENT);
	scratch_put("failed/" NOW_ID, "", 0);
	ck_assert_int_eq(
	    spool_move(&sp, id, SPOOL_HOLD, SPOOL_FAILED), -EEXIST);
	ck_assert_int_eq(spool_move(&sp, id, SPOOL_HOLD, SPOOL_QUEUE), 0);
	ck_assert_int_eq(spool_remove(&sp, id, SPOOL_QUEUE), 0);
	ck_assert_int_eq(spool_remove(&sp, id, SPOOL_QUEUE), -ENOENT);
	ck_assert_int_eq(count_entries("failed"), 1);
}
END_TEST

struct listing {
	int count, stop_at;
	bool has_odd;
};

static int
list_one(const char *name, void *arg)
{
	struct listing *l = arg;

	ck_assert_str_ne(name, ".");
	ck_assert_str_ne(name, "..");
	l->has_odd = l->has_odd || strcmp(name, ".odd") == 0;
	return ++l->count == l->stop_at ? 42 : 0;
}

START_TEST(every_entry_is_listed)
{
	struct listing all = { 0 }, again = { 0 }, some = { .stop_at = 2 };
	char name[32];

	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "queue/%08X", i);
		scratch_put(name, "", 0);
	}
	scratch_put("queue/.odd", "", 0);
	ck_assert_int_eq(spool_list(&sp, SPOOL_QUEUE, list_one, &all), 0);
	ck_assert_int_eq(all.count, 301);
	ck_assert(all.has_odd);
	ck_assert_int_eq(spool_list(&sp, SPOOL_QUEUE, list_one, &again), 0);
	ck_assert_int_eq(again.count, 301);
	ck_assert_int_eq(spool_list(&sp, SPOOL_QUEUE, list_one, &some), 42);
	ck_assert_int_eq(some.count, 2);
	ck_assert_int_eq(spool_list(&sp, SPOOL_HOLD, list_one, &all), 0);
	ck_assert_int_eq(all.count, 301);
}
END_TEST

START_TEST(old_drafts_are_swept)
{
	struct timespec old[2] = { { 1000, 0 }, { 1000, 0 } };
	struct timespec edge[2] = { { 1400, 0 }, { 1400, 0 } };

	scratch_put("tmp/old", "x", 1);
	scratch_put("tmp/new", "x", 1);
	scratch_put("tmp/edge", "x", 1);
	ck_assert_int_eq(mkdir("tmp/dir", 0700), 0);
	ck_assert_int_eq(symlink("../queue", "tmp/link"), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, "tmp/old", old, 0), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, "tmp/dir", old, 0), 0);
	ck_assert_int_eq(utimensat(AT_FDCWD, "tmp/edge", edge, 0), 0);
	ck_assert_int_eq(
	    utimensat(AT_FDCWD, "tmp/link", old, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert_int_eq(spool_sweep(&sp, 5000 * 1000000ll, 3600), 0);
	ck_assert_int_eq(access("tmp/old", F_OK), -1);
	ck_assert_int_eq(access("tmp/link", F_OK), -1);
	ck_assert_int_eq(count_entries("tmp"), 3);
	ck_assert_int_eq(access("queue", F_OK), 0);
}
END_TEST

/* ---- a system-wide spool, when root runs the tests -------------------- */

#define SPOOL_UID 64001
#define SPOOL_GID 64002
#define USER_UID 64003

/* Give the spool the modes that lib/spool.h has for an installation. */
static void
install(void)
{
	static const char *const dirs[] = { ".", "tmp", "queue", "hold",
		"failed" };
	static const mode_t modes[] = { 0711, 02770, 0770, 0700, 0700 };

	for (int i = 0; i < COUNT(dirs); i++) {
		ck_assert_int_eq(chown(dirs[i], SPOOL_UID, SPOOL_GID), 0);
		ck_assert_int_eq(chmod(dirs[i], modes[i]), 0);
	}
	ck_assert_int_eq(chmod(scratch, 0711), 0);
}

/* In a child process with these ids: CALL's result, below 256. */
static int
run_as(uid_t uid, gid_t rgid, gid_t egid, int (*call)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (setgroups(0, NULL) < 0 || setresgid(rgid, egid, egid) < 0 ||
		    setresuid(uid, uid, uid) < 0)
			_exit(255);
		_exit(call());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* What sendmail does; the path is absolute, the way in is not readable. */
static int
admit_one(void)
{
	char path[200], id[SPOOL_ID_SIZE], *why;
	struct envelope env = make_envelope();
	struct spool other;
	struct draft d;
	int err;

	snprintf(path, sizeof(path), "%s/sp", scratch);
	err = spool_open(&other, path, SPOOL_ADMIT, &why);
	if (err != 0)
		return -err;
	err = draft_open(&d, &other, &env);
	if (err == 0)
		err = draft_publish(&d, NOW_US, id);
	spool_close(&other);
	envelope_release(&env);
	return -err;
}

/* Whether a user with no more than his own rights sees anything. */
static int
look_around(void)
{
	struct spool other;
	char path[200], *why;
	int err;

	snprintf(path, sizeof(path), "%s/sp", scratch);
	if (open(path, O_RDONLY) >= 0)
		return 1;
	snprintf(path, sizeof(path), "%s/sp/queue", scratch);
	if (open(path, O_RDONLY) >= 0)
		return 2;
	snprintf(path, sizeof(path), "%s/sp/queue/" NOW_ID, scratch);
	if (open(path, O_RDONLY) >= 0 || access(path, F_OK) == 0)
		return 3;
	snprintf(path, sizeof(path), "%s/sp", scratch);
	err = spool_open(&other, path, SPOOL_READ, &why);
	if (err != -EACCES && err != -EPERM)
		return 5;
	return admit_one() == EPERM ? 0 : 4;
}

static int
read_one(void)
{
	char path[200], *what;
	const char *why;
	struct spool other;
	struct qfile qf;

	snprintf(path, sizeof(path), "%s/sp", scratch);
	if (spool_open(&other, path, SPOOL_OWN, &what) != 0)
		return 1;
	if (qfile_open(&qf, &other, SPOOL_QUEUE, NOW_ID, &why) != 0)
		return 2;
	if (qf.owner != USER_UID || qf.env.uid == USER_UID ||
	    qf.uid != USER_UID || qfile_verify(&qf) != 0)
		return 3;
	qfile_close(&qf);
	if (spool_move(&other, NOW_ID, SPOOL_QUEUE, SPOOL_HOLD) != 0 ||
	    spool_remove(&other, NOW_ID, SPOOL_HOLD) != 0)
		return 4;
	spool_close(&other);
	return 0;
}

START_TEST(users_admit_and_see_nothing)
{
	struct stat st;

	install();
	ck_assert_int_eq(run_as(USER_UID, USER_UID, SPOOL_GID, admit_one), 0);
	ck_assert_int_eq(stat("queue/" NOW_ID, &st), 0);
	ck_assert_uint_eq(st.st_uid, USER_UID);
	ck_assert_uint_eq(st.st_gid, SPOOL_GID);
	ck_assert_int_eq((int)st.st_mode, S_IFREG | 0640);
	ck_assert_int_eq(run_as(USER_UID, USER_UID, USER_UID, look_around), 0);
	ck_assert_int_eq(run_as(SPOOL_UID, SPOOL_GID, SPOOL_GID, read_one), 0);
}
END_TEST

/* Root without the setgid bit (a nosuid mount): spoold reads it all the same.
 */
START_TEST(root_admits_for_the_group)
{
	struct stat st;

	install();
	ck_assert_int_eq(run_as(0, 0, 0, admit_one), 0);
	ck_assert_int_eq(stat("queue/" NOW_ID, &st), 0);
	ck_assert_uint_eq(st.st_gid, SPOOL_GID);
}
END_TEST

static int
open_as_own(void)
{
	char path[200], *why;
	struct spool other;

	snprintf(path, sizeof(path), "%s/sp", scratch);
	return -spool_open(&other, path, SPOOL_OWN, &why);
}

START_TEST(foreign_spools_are_refused)
{
	install();
	/* Everybody may read and pass, but it is somebody else's. */
	ck_assert_int_eq(system("chmod 0755 . tmp queue hold failed"), 0);
	ck_assert_int_eq(
	    run_as(USER_UID, USER_UID, USER_UID, admit_one), EPERM);
	ck_assert_int_eq(run_as(0, 0, 0, open_as_own), EPERM);
	ck_assert_int_eq(run_as(SPOOL_UID, USER_UID, USER_UID, open_as_own), 0);
}
END_TEST

static TCase *
make_spool_case(void)
{
	TCase *tc = tcase_create("spool");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, created_spools_are_private, 0, 2);
	tcase_add_test(tc, create_says_what_failed);
	tcase_add_loop_test(tc, open_refuses_what_is_wrong, 0, COUNT(faults));
	tcase_add_test(tc, admission_needs_two_directories);
	tcase_add_test(tc, one_process_has_the_lock);
	tcase_add_loop_test(tc, ids_are_upper_case_hex, 0, COUNT(names));
	tcase_add_loop_test(
	    tc, damaged_entries_are_set_aside, 0, COUNT(foreign));
	tcase_add_test(tc, set_aside_never_replaces);
	tcase_add_test(tc, odd_names_become_harmless);
	tcase_add_test(tc, messages_move_and_go);
	tcase_add_test(tc, every_entry_is_listed);
	tcase_add_test(tc, old_drafts_are_swept);
	if (geteuid() == 0) {
		tcase_add_test(tc, users_admit_and_see_nothing);
		tcase_add_test(tc, root_admits_for_the_group);
		tcase_add_test(tc, foreign_spools_are_refused);
	}
	return tc;
}

static TCase *
make_file_case(void)
{
	TCase *tc = tcase_create("queue files");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, published_messages_are_read_back, 0, 4);
	tcase_add_test(tc, the_first_line_is_as_documented);
	tcase_add_loop_test(tc, any_size_comes_back, 0, COUNT(sizes));
	tcase_add_loop_test(tc, taken_ids_are_not_given_again, 0, 2);
	tcase_add_loop_test(tc, any_clock_gives_an_id, 0, COUNT(clocks));
	tcase_add_loop_test(tc, abandoned_drafts_leave_nothing, 0, 2);
	tcase_add_test(tc, what_cannot_be_read_is_not_admitted);
	tcase_add_loop_test(
	    tc, a_full_disk_leaves_nothing, 0, 2 * COUNT(limits));
	tcase_add_loop_test(tc, a_failed_sync_takes_the_name_back, 0, 2);
	tcase_add_test(tc, torn_files_are_recognised);
	tcase_add_loop_test(tc, flipped_bits_are_found, 0, 8);
	tcase_add_test(tc, a_file_cut_while_open_is_torn);
	tcase_add_test(tc, a_message_is_read_whole_at_any_place);
	tcase_add_loop_test(
	    tc, foreign_entries_are_no_messages, 0, COUNT(foreign));
	tcase_add_test(tc, a_socket_is_no_message);
	tcase_add_test(tc, the_relay_is_noted);
	return tc;
}

int
main(void)
{
	Suite *s = suite_create("spool");

	suite_add_tcase(s, make_spool_case());
	suite_add_tcase(s, make_file_case());
	return unit_main(s);
}
