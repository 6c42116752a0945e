/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Sender and recipients of a submission: parsed, completed, checked, each
 * recipient once.  A tree of them keeps twenty thousand recipients linear.
 */

#include "config.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <sysexits.h>

#include "lib/address.h"
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

/*
 * BOX as a new addr-spec string, NULL when out of memory.  A local part that
 * begins with '-' could pass for an option some day: quoted, it is the same
 * address (RFC 5321, section 4.1.2) and cannot.  Without a domain it is an
 * option after the recipients, which envelope_add() will refuse.
 */
static char *
address_string(const struct mailbox *box, const char *origin)
{
	char *text = NULL, *quoted;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	address_put(out, box, origin);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	if (text[0] != '-' || box->domain.len == 0)
		return text;
	len = strcspn(text, "@");
	if (asprintf(&quoted, "\"%.*s\"%s", (int)len, text, text + len) < 0)
		quoted = NULL;
	free(text);
	return quoted;
}

static int
sender_found(const struct mailbox *box, void *arg)
{
	struct work *work = arg;
	char *addr;
	int err;

	if (work->env->sender != NULL && work->env->sender[0] != '\0') {
		work->failed = true;
		return fail_address(
		    work->err, "sender", box->whole, "more than one address");
	}
	addr = address_string(box, work->origin);
	if (addr == NULL)
		return -ENOMEM;
	err = envelope_set_sender(work->env, addr);
	if (err == -EINVAL) {
		work->failed = true;
		(void)fail_address(work->err, "sender", span_of(addr),
		    envelope_address_fault(addr));
	}
	free(addr);
	return err;
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
	text.ptr += pos;
	text.len -= pos;
	if (text.len == 0)
		return submit_fail(
		    work->err, EX_DATAERR, "bad %s: unfinished address", what);
	return fail_address(work->err, what, text, "not an address");
}

int
submit_set_sender(struct envelope *env, struct span text, const char *origin,
    struct submit_error *err)
{
	struct work work = { .env = env, .origin = origin, .err = err };

	if (envelope_set_sender(env, "") < 0)
		return submit_fail_memory(err);
	return walk(&work, "sender", text, sender_found);
}

static int
compare_strings(const void *a, const void *b)
{
	return address_compare(a, b);
}

static void
keep_string(void *addr)
{
	(void)addr; /* belongs to the envelope */
}

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

/* Append a recipient unless the tree says that it is there. */
static int
rcpt_found(const struct mailbox *box, void *arg)
{
	struct work *work = arg;
	struct envelope *env = work->env;
	char *addr = address_string(box, work->origin);
	int err = 0;

	if (addr == NULL)
		return -ENOMEM;
	if (tfind(addr, &work->known, compare_strings) != NULL)
		goto out;
	err = envelope_add(env, addr);
	if (err == -EINVAL) {
		work->failed = true;
		(void)fail_address(work->err, "recipient", span_of(addr),
		    envelope_address_fault(addr));
	}
	if (err < 0)
		goto out;
	if (tsearch(env->rcpts[env->nrcpts - 1].addr, &work->known,
		compare_strings) == NULL)
		err = -ENOMEM;
	else if (work->opts != NULL)
		err = check_count(work);
out:
	free(addr);
	return err;
}

int
submit_take_rcpts(struct work *work, const char *what, struct span text)
{
	return walk(work, what, text, rcpt_found);
}

void
submit_forget_rcpts(struct work *work)
{
	tdestroy(work->known, keep_string);
	work->known = NULL;
}

int
submit_add_rcpts(struct envelope *env, struct span text, const char *origin,
    struct submit_error *err)
{
	struct work work = { .env = env, .origin = origin, .err = err };
	int result = submit_take_rcpts(&work, "recipient", text);

	submit_forget_rcpts(&work);
	return result;
}

int
submit_know_rcpts(struct work *work)
{
	struct envelope *env = work->env;
	size_t i, kept = 0;

	for (i = 0; i < env->nrcpts; i++) {
		struct recipient *rcpt = &env->rcpts[i];
		char **entry =
		    tsearch(rcpt->addr, &work->known, compare_strings);

		if (entry == NULL) {
			/* Leave no gap for envelope_release(). */
			memmove(&env->rcpts[kept], rcpt,
			    (env->nrcpts - i) * sizeof(*rcpt));
			env->nrcpts -= i - kept;
			return submit_fail_memory(work->err);
		}
		if (*entry == rcpt->addr) {
			env->rcpts[kept++] = *rcpt;
		} else {
			free(rcpt->addr);
			free(rcpt->orcpt);
		}
	}
	env->nrcpts = kept;
	return check_count(work);
}
