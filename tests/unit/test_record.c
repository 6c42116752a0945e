/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What a snapshot has to hold before a journal that failed is forgotten. */

#include "config.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "spoold/edits.h"
#include "spoold/spoold.h"
#include "spoold/waiters.h"
#include "tests/unit/unit.h"

static struct spoold d;
static unsigned nwanted;

/* ---- the seams: what record.c calls ------------------------------------ */

int64_t
spoold_now(const struct spoold *spoold)
{
	(void)spoold;
	return 1763770000000000;
}

void
spoold_check_done(struct spoold *spoold)
{
	(void)spoold;
}

void
snapshot_want(struct spoold *spoold)
{
	(void)spoold;
	nwanted++;
}

bool
waiters_any(const struct spoold *spoold)
{
	(void)spoold;
	return false;
}

void
waiters_see(struct spoold *spoold, const struct event *ev)
{
	(void)spoold;
	(void)ev;
}

void
edits_see(struct spoold *spoold, const struct event *ev)
{
	(void)spoold;
	(void)ev;
}

void
agents_push(struct spoold *spoold)
{
	(void)spoold;
}

void
remove_push(struct spoold *spoold)
{
	(void)spoold;
}

void
remove_init(struct spoold *spoold)
{
	(void)spoold;
}

/* ---- */

static void
setup_record(void)
{
	d = (struct spoold){ .broken = false };
	nwanted = 0;
	queue_init(&d.queue);
	ck_assert_int_eq(uv_loop_init(&d.loop), 0);
	record_init(&d);
	/* Whatever is written to it, there is no room. */
	d.journal = (struct journal){ .fd = open("/dev/full", O_RDWR) };
	ck_assert_int_ge(d.journal.fd, 0);
	d.journal.seq = 6;
}

static void
teardown_record(void)
{
	journal_close(&d.journal);
	queue_release(&d.queue);
}

static void
happen(enum event_kind kind)
{
	struct event ev = event_of(kind, NULL);

	(void)strcpy(ev.id, "3000000001");
	record(&d, &ev);
}

START_TEST(what_gathered_has_to_be_in_the_snapshot)
{
	record_gather(&d);
	happen(EVENT_FLUSHED);
	happen(EVENT_FLUSHED);
	ck_assert(!d.broken);
	record_flush(&d);
	ck_assert(d.broken);
	ck_assert_uint_eq(d.unwritten_seq, 8);
	ck_assert_uint_gt(nwanted, 0);
}
END_TEST

START_TEST(so_has_what_was_not_synced)
{
	record_gather(&d);
	happen(EVENT_FLUSHED);
	record_broken(&d, "sync", -5);
	ck_assert_uint_eq(d.unwritten_seq, 7);
}
END_TEST

START_TEST(what_comes_then_has_to_be_too)
{
	happen(EVENT_FLUSHED);
	ck_assert(d.broken);
	ck_assert_uint_eq(d.unwritten_seq, 7);
	happen(EVENT_FLUSHED);
	ck_assert_uint_eq(d.unwritten_seq, 8);
	ck_assert_uint_eq(d.queue.seq, 8);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("record");
	TCase *t = tcase_create("record");

	tcase_add_checked_fixture(t, setup_record, teardown_record);
	tcase_add_test(t, what_gathered_has_to_be_in_the_snapshot);
	tcase_add_test(t, so_has_what_was_not_synced);
	tcase_add_test(t, what_comes_then_has_to_be_too);
	suite_add_tcase(s, t);
	return unit_main(s);
}
