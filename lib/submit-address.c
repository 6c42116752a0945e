/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Sender and recipients of a submission: parsed, completed, checked, and what
 * is said when one of them will not do.
 */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>

#include "lib/address.h"
#include "lib/expansion.h"
#include "lib/header.h"
#include "lib/routes.h"
#include "lib/scan.h"
#include "lib/submit-work.h"
#include "lib/text.h"

/* How much of a bad address is worth showing. */
#define SHOWN_BYTES_MAX 80

/* "bad recipient 'TEXT': WHY", with TEXT made harmless. */
static int
fail_address(struct submit_error *err, const char *what, struct span text,
    const char *why)
{
	char *shown = text_clean(text, SHOWN_BYTES_MAX);

	if (shown == NULL)
		return submit_fail_memory(err);
	(void)submit_fail(err, EX_DATAERR, "bad %s '%s': %s", what, shown, why);
	free(shown);
	return -1;
}

/* Say that a file of the identity's stands in the way; frees WHY. */
static int
fail_file(struct submit_error *err, char *why)
{
	if (why == NULL)
		return submit_fail_memory(err);
	(void)submit_fail(err, EX_TEMPFAIL, "%s", why);
	free(why);
	return -1;
}

/*
 * ADDR, a good sender, as the world is to see it; it is freed.  NULL when out
 * of memory.
 */
static char *
show_sender(const struct identity *id, char *addr)
{
	char *shown = NULL, *joined = NULL;

	if (identity_show(id, addr, IDENTITY_SENDER, &shown) < 0 ||
	    shown == NULL)
		goto out;
	if (shown[0] != '@') {
		free(addr);
		return shown;
	}
	if (asprintf(&joined, "%.*s%s", (int)address_local_len(span_of(addr)),
		addr, shown) < 0)
		joined = NULL;
	free(addr);
	addr = joined;
out:
	free(shown);
	return addr;
}

static int
sender_found(const struct mailbox *box, void *arg)
{
	struct work *work = arg;
	const char *fault;
	char *addr;
	int err = 0;

	if (work->env->sender != NULL && work->env->sender[0] != '\0') {
		work->failed = true;
		return fail_address(
		    work->err, "sender", box->whole, "more than one address");
	}
	addr = address_string(box, work->identity->origin);
	if (addr == NULL)
		return -ENOMEM;
	fault = identity_address_fault(work->identity, addr);
	if (fault == NULL) {
		addr = show_sender(work->identity, addr);
		if (addr == NULL)
			return -ENOMEM;
		fault = identity_address_fault(work->identity, addr);
	}
	if (fault == NULL) {
		err = envelope_set_sender(work->env, addr);
	} else {
		work->failed = true;
		err = fail_address(work->err, "sender", span_of(addr), fault);
	}
	free(addr);
	return err;
}

static bool
is_gap(char c)
{
	return scan_is_space(c) || c == ',';
}

/*
 * TEXT is no address at POS.  If the word there has a control character, that
 * is what is wrong with it, whatever stopped the parser.
 */
static int
fail_syntax(struct work *work, const char *what, struct span text, size_t pos)
{
	size_t start = pos, i;
	struct span word;

	while (start > 0 && !is_gap(text.ptr[start - 1]))
		start--;
	word = (struct span){ text.ptr + start, text.len - start };
	for (i = start; i < text.len && !is_gap(text.ptr[i]); i++)
		if (scan_is_control(text.ptr[i]))
			return fail_address(
			    work->err, what, word, "has a control character");
	return fail_address(work->err, what, word, "not an address");
}

/* Walk TEXT; what went wrong is in ERR whoever noticed it. */
static int
walk(struct work *work, const char *what, struct span text, address_fn *fn)
{
	size_t pos = 0;
	int err = address_walk(text, fn, work, &pos);

	if (err == 0)
		return 0;
	if (work->failed)
		return -1;
	if (err == -ENOMEM)
		return submit_fail_memory(work->err);
	return fail_syntax(work, what, text, pos);
}

int
submit_set_sender(struct envelope *env, struct span text, struct identity *id,
    struct submit_error *err)
{
	struct work work = { .env = env, .identity = id, .err = err };
	char *why = NULL;

	if (envelope_set_sender(env, "") < 0)
		return submit_fail_memory(err);
	if (identity_read_generic(id, &why) < 0)
		return fail_file(err, why);
	return walk(&work, "sender", text, sender_found);
}

/* An address_fn that wants no more. */
static int
first_sender_found(const struct mailbox *box, void *arg)
{
	int err = sender_found(box, arg);

	return err == 0 ? 1 : err;
}

/* As walk(), to the first address of From. */
static int
walk_from(struct work *work, struct span body)
{
	size_t pos = 0;
	int found = address_walk(body, first_sender_found, work, &pos);

	if (found > 0)
		return 0;
	if (work->failed)
		return -1;
	if (found == 0)
		return submit_fail(
		    work->err, EX_DATAERR, "the From field has no address");
	if (found == -ENOMEM)
		return submit_fail_memory(work->err);
	return fail_syntax(work, "sender in From", body, pos);
}

int
submit_header_sender(struct work *work)
{
	struct span head = { work->head, work->head_len };
	struct header_field from;
	char *why = NULL;

	if (!header_find(head, "From", &from))
		return submit_fail(work->err, EX_DATAERR,
		    "the header has no From field, so there is no sender");
	if (envelope_set_sender(work->env, "") < 0)
		return submit_fail_memory(work->err);
	if (identity_read_generic(work->identity, &why) < 0)
		return fail_file(work->err, why);
	return walk_from(work, from.body);
}

/* ---- recipients -------------------------------------------------------- */

static int
check_count(struct work *work)
{
	size_t max = work->opts->recipients_max;

	if (max == 0 || work->env->nrcpts <= max)
		return 0;
	work->failed = true;
	return submit_fail(work->err, EX_UNAVAILABLE,
	    "more than %zu recipients, the limit", max);
}

/* BOX is local, and leads nowhere. */
static int
fail_nowhere(struct work *work, const struct mailbox *box)
{
	const char *aliases = work->identity->aliases_path;
	char *shown = text_clean(box->whole, SHOWN_BYTES_MAX);

	if (shown == NULL)
		return submit_fail_memory(work->err);
	(void)submit_fail(work->err, EX_CONFIG,
	    "recipient '%s' leads nowhere: give it an address in %.200s, or "
	    "set local_recipients or origin in the configuration",
	    shown, aliases != NULL ? aliases : "aliases");
	free(shown);
	return -1;
}

static int
rcpt_found(const struct mailbox *box, void *arg)
{
	struct work *work = arg;
	struct identity *id = work->identity;
	const char *fault = NULL;
	char *addr, *why = NULL;
	int err;

	work->found = true;
	if (routes_is_local(id, box) && routes_read(id, &why) < 0) {
		work->failed = true;
		return fail_file(work->err, why);
	}
	err = expansion_add(id, box, &fault);
	if (err == 0 && work->opts != NULL)
		return check_count(work);
	if (err == 0 || err == -ENOMEM)
		return err;
	work->failed = true;
	if (err == -ENOENT)
		return fail_nowhere(work, box);
	addr = address_string(box, id->origin);
	if (addr == NULL)
		return submit_fail_memory(work->err);
	(void)fail_address(work->err, "recipient", span_of(addr),
	    fault != NULL ? fault : "not an address");
	free(addr);
	return -1;
}

int
submit_take_rcpts(struct work *work, const char *what, struct span text)
{
	return walk(work, what, text, rcpt_found);
}

void
submit_forget_rcpts(struct work *work)
{
	expansion_end(work->identity);
}

int
submit_add_rcpts(struct envelope *env, struct span text, struct identity *id,
    struct submit_error *err)
{
	struct work work = { .env = env, .identity = id, .err = err };
	size_t before = env->nrcpts;
	int result;

	if (expansion_resume(id, env) < 0)
		return submit_fail_memory(err);
	result = submit_take_rcpts(&work, "recipient", text);
	/*
	 * Those that were known already have to show in ENV's count, which is
	 * how callers know that TEXT was not empty: submit() drops them.
	 */
	if (result == 0 && work.found && before > 0 && env->nrcpts == before &&
	    envelope_add(env, env->rcpts[0].addr) < 0)
		result = submit_fail_memory(err);
	if (result == 0)
		expansion_pause(id);
	else
		expansion_end(id);
	return result;
}

int
submit_add_one(struct envelope *env, struct span text, struct identity *id,
    struct submit_error *err)
{
	size_t count, pos;

	if (address_count(text, &count, &pos) == 0 && count != 1)
		return fail_address(
		    err, "recipient", text, "not exactly one address");
	return submit_add_rcpts(env, text, id, err);
}

int
submit_know_rcpts(struct work *work)
{
	char *why = NULL;

	/* The header has addresses, too. */
	if (identity_read_generic(work->identity, &why) < 0)
		return fail_file(work->err, why);
	if (expansion_restart(work->identity, work->env) < 0)
		return submit_fail_memory(work->err);
	return check_count(work);
}
