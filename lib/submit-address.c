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

bool
submit_has_8bit(struct span text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] > 0x7f)
			return true;
	return false;
}

/*
 * Why ADDR is not accepted, or NULL.  With 8-bit characters it may be good,
 * but nothing here can send it: who submits it is told, not the log.
 */
static const char *
address_fault(const char *addr)
{
	const char *fault = envelope_address_fault(addr);

	if (fault == NULL && submit_has_8bit(span_of(addr)))
		fault = "has 8-bit characters, which cannot be sent yet";
	return fault;
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
	fault = address_fault(addr);
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

	while (start > 0 && !is_gap(text.ptr[start - 1]))
		start--;
	for (i = start; i < text.len && !is_gap(text.ptr[i]); i++)
		if (scan_is_control(text.ptr[i]))
			return fail_address(work->err, what,
			    (struct span){ text.ptr + start, text.len - start },
			    "has a control character");
	if (pos == text.len)
		return submit_fail(
		    work->err, EX_DATAERR, "bad %s: unfinished address", what);
	return fail_address(work->err, what,
	    (struct span){ text.ptr + pos, text.len - pos }, "not an address");
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
	char *addr = address_string(box, work->identity->origin);
	const char *fault;
	int err = 0;

	if (addr == NULL)
		return -ENOMEM;
	if (tfind(addr, &work->known, compare_strings) != NULL)
		goto out;
	fault = address_fault(addr);
	if (fault != NULL) {
		work->failed = true;
		err =
		    fail_address(work->err, "recipient", span_of(addr), fault);
		goto out;
	}
	err = envelope_add(env, addr);
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
submit_add_rcpts(struct envelope *env, struct span text, struct identity *id,
    struct submit_error *err)
{
	struct work work = { .env = env, .identity = id, .err = err };
	int result = submit_take_rcpts(&work, "recipient", text);

	submit_forget_rcpts(&work);
	return result;
}

/* How many addresses TEXT has is known to *ARG. */
static int
count_mailbox(const struct mailbox *box, void *arg)
{
	(void)box;
	++*(size_t *)arg;
	return 0;
}

int
submit_add_one(struct envelope *env, struct span text, struct identity *id,
    struct submit_error *err)
{
	size_t count = 0, pos;

	if (address_walk(text, count_mailbox, &count, &pos) == 0 && count != 1)
		return fail_address(
		    err, "recipient", text, "not exactly one address");
	return submit_add_rcpts(env, text, id, err);
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
