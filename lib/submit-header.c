/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * The header of a submission: which field means what, who is to get the
 * message, and what the header looks like when it leaves.
 */

#include "config.h"

#include <sys/random.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/address.h"
#include "lib/date.h"
#include "lib/header.h"
#include "lib/scan.h"
#include "lib/submit-work.h"

/* How much of a full name is worth showing. */
#define NAME_BYTES_MAX 256
/* A longer Message-Id is nobody's to look for. */
#define MESSAGE_ID_MAX 998

/* What a header field means to a submission. */
enum {
	FIELD_RCPT = 1,   /* -t finds recipients in it */
	FIELD_LOCAL = 2,  /* its addresses are completed */
	FIELD_DROP = 4,   /* not for the recipients' eyes */
	FIELD_RESENT = 8, /* a block of RFC 5322, section 3.6.6 */
	/* Its addresses are completed, and become what the world knows. */
	FIELD_SENDER = 16 | FIELD_LOCAL,
};

enum field_id {
	FIELD_OTHER,
	FIELD_FROM,
	FIELD_DATE,
	FIELD_MESSAGE_ID,
	FIELD_RESENT_FROM,
	FIELD_RESENT_DATE,
	FIELD_RESENT_MESSAGE_ID,
	FIELD_RECEIVED,
	FIELD_WISH, /* … and enum wish */
};

static const struct field_kind {
	const char *name;
	unsigned id; /* enum field_id */
	unsigned is;
} field_kinds[] = {
	{ "To", FIELD_OTHER, FIELD_RCPT | FIELD_LOCAL },
	{ "Cc", FIELD_OTHER, FIELD_RCPT | FIELD_LOCAL },
	{ "Bcc", FIELD_OTHER, FIELD_RCPT | FIELD_DROP },
	{ "From", FIELD_FROM, FIELD_SENDER },
	{ "Sender", FIELD_OTHER, FIELD_SENDER },
	{ "Reply-To", FIELD_OTHER, FIELD_SENDER },
	{ "Errors-To", FIELD_OTHER, FIELD_SENDER },
	{ "Return-Receipt-To", FIELD_OTHER, FIELD_SENDER },
	{ "Disposition-Notification-To", FIELD_OTHER, FIELD_SENDER },
	{ "Mail-Followup-To", FIELD_OTHER, FIELD_LOCAL },
	{ "Date", FIELD_DATE, 0 },
	{ "Message-Id", FIELD_MESSAGE_ID, 0 },
	{ "Received", FIELD_RECEIVED, 0 },
	{ "Return-Path", FIELD_OTHER, FIELD_DROP },
	{ "Content-Length", FIELD_OTHER, FIELD_DROP },
	{ "Resent-To", FIELD_OTHER, FIELD_RCPT | FIELD_LOCAL | FIELD_RESENT },
	{ "Resent-Cc", FIELD_OTHER, FIELD_RCPT | FIELD_LOCAL | FIELD_RESENT },
	{ "Resent-Bcc", FIELD_OTHER, FIELD_RCPT | FIELD_DROP | FIELD_RESENT },
	{ "Resent-From", FIELD_RESENT_FROM, FIELD_SENDER | FIELD_RESENT },
	{ "Resent-Sender", FIELD_OTHER, FIELD_SENDER | FIELD_RESENT },
	{ "Resent-Reply-To", FIELD_OTHER, FIELD_SENDER | FIELD_RESENT },
	{ "Resent-Date", FIELD_RESENT_DATE, FIELD_RESENT },
	{ "Resent-Message-Id", FIELD_RESENT_MESSAGE_ID, FIELD_RESENT },
	{ "X-Spool-TTL", FIELD_WISH + WISH_TTL, FIELD_DROP },
	{ "X-Spool-Not-Before", FIELD_WISH + WISH_NOT_BEFORE, FIELD_DROP },
	{ "X-Spool-Lane", FIELD_WISH + WISH_LANE, FIELD_DROP },
	{ "Priority", FIELD_WISH + WISH_PRIORITY, 0 },
	{ NULL, FIELD_OTHER, 0 },
};

static const struct field_kind *
find_kind(const struct header_field *field)
{
	const struct field_kind *kind = field_kinds;

	while (kind->name != NULL && !header_is(field, kind->name))
		kind++;
	return kind;
}

void
submit_note_fields(struct work *work)
{
	struct span rest = { work->head, work->head_len };
	struct header_field field;

	while (header_next(&rest, &field) == 1) {
		const struct field_kind *kind = find_kind(&field);

		if (kind->id >= FIELD_WISH &&
		    (work->seen & 1u << kind->id) == 0)
			work->wishes[kind->id - FIELD_WISH] = field.body;
		work->seen |= 1u << kind->id;
		work->received += kind->id == FIELD_RECEIVED;
		if ((kind->is & FIELD_RESENT) == 0 || work->opts->is_raw)
			continue;
		work->resent = true;
		if ((kind->is & FIELD_RCPT) != 0)
			work->resent_rcpts = true;
	}
}

/* -t: a resent message goes to those it is resent to, and nobody else. */
int
submit_header_rcpts(struct work *work)
{
	struct span rest = { work->head, work->head_len };
	unsigned mask = FIELD_RCPT | FIELD_RESENT;
	unsigned want = work->resent_rcpts ? mask : FIELD_RCPT;
	struct header_field field;
	char what[40];

	while (header_next(&rest, &field) == 1) {
		const struct field_kind *kind = find_kind(&field);

		if ((kind->is & mask) != want)
			continue;
		snprintf(what, sizeof(what), "recipient in %s", kind->name);
		if (submit_take_rcpts(work, what, field.body) < 0)
			return -1;
	}
	return 0;
}

/* The full name, cut between characters and without controls only. */
static struct span
usable_name(const char *name)
{
	struct span text = span_of(name != NULL ? name : "");
	size_t i;

	if (text.len > NAME_BYTES_MAX) {
		text.len = NAME_BYTES_MAX;
		while (text.len > 0 && (text.ptr[text.len] & 0xc0) == 0x80)
			text.len--;
	}
	for (i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] > ' ' && text.ptr[i] != 0x7f)
			return text;
	}
	return (struct span){ "", 0 };
}

static const char *
full_name(const struct submit_options *opts)
{
	if (opts->full_name != NULL || opts->find_full_name == NULL)
		return opts->full_name;
	return opts->find_full_name(opts->find_full_name_arg);
}

static void
put_from(const struct work *work, FILE *out, const char *prefix)
{
	const char *sender = work->env->sender;
	struct span name = usable_name(full_name(work->opts));

	fprintf(out, "%sFrom: ", prefix);
	if (sender[0] == '\0') {
		fputs("MAILER-DAEMON\n", out);
	} else if (name.len == 0) {
		fprintf(out, "%s\n", sender);
	} else {
		address_put_phrase(out, name);
		fprintf(out, " <%s>\n", sender);
	}
}

static void
put_date(const struct work *work, FILE *out, const char *prefix)
{
	char date[DATE_SIZE];

	/* A clock beyond the year 9999 has no date to write. */
	if (date_format(work->opts->now_us, date) == 0)
		fprintf(out, "%sDate: %s\n", prefix, date);
}

static void
put_message_id(const struct work *work, FILE *out, const char *prefix)
{
	uint64_t salt;

	if (getrandom(&salt, sizeof(salt), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(salt))
		salt = (uint64_t)getpid();
	fprintf(out, "%sMessage-Id: <%" PRIx64 ".%016" PRIx64 "@%s>\n", prefix,
	    (uint64_t)work->opts->now_us, salt, work->identity->origin);
}

/* Write what the header lacks; a resent one lacks Resent- fields. */
static void
put_missing(const struct work *work, FILE *out)
{
	const char *prefix = work->resent ? "Resent-" : "";
	int shift = work->resent ? FIELD_RESENT_FROM : FIELD_FROM;
	unsigned seen = work->seen >> shift;

	if (work->opts->keep_header)
		return;
	if ((seen & 1) == 0)
		put_from(work, out, prefix);
	if ((seen & 1 << (FIELD_DATE - FIELD_FROM)) == 0)
		put_date(work, out, prefix);
	if ((seen & 1 << (FIELD_MESSAGE_ID - FIELD_FROM)) == 0)
		put_message_id(work, out, prefix);
}

/* How the addresses of a field are rewritten. */
struct view {
	const struct identity *identity;
	enum identity_role role;
};

/* An address_map_fn. */
static int
show_box(const struct mailbox *box, void *arg, char **ret)
{
	const struct view *view = arg;
	const char *origin = view->identity->origin;
	char *addr = address_string(box, origin);
	int err;

	if (addr == NULL)
		return -ENOMEM;
	err = identity_show(view->identity, addr, view->role, ret);
	free(addr);
	if (err < 0 || *ret != NULL || box->domain.len > 0)
		return err;
	if (asprintf(ret, "@%s", origin) >= 0)
		return 0;
	*ret = NULL;
	return -ENOMEM;
}

static int
put_field(const struct work *work, const struct header_field *field,
    unsigned is, FILE *out)
{
	struct view view = { work->identity, IDENTITY_RECIPIENT };

	if ((is & FIELD_LOCAL) == 0 || work->opts->keep_header) {
		fwrite(field->raw.ptr, 1, field->raw.len, out);
		return 0;
	}
	if ((is & FIELD_SENDER) == FIELD_SENDER)
		view.role = IDENTITY_SENDER;
	fwrite(
	    field->raw.ptr, 1, (size_t)(field->body.ptr - field->raw.ptr), out);
	/* What is no list of addresses stays as the author wrote it. */
	if (address_rewrite(field->body, show_box, &view, out) == -ENOMEM)
		return -ENOMEM;
	putc('\n', out);
	return 0;
}

/*
 * The header as it leaves.  Missing fields come last; those of a resent
 * message head the block that they belong to.
 */
int
submit_put_header(const struct work *work, FILE *out)
{
	struct span rest = { work->head, work->head_len };
	bool due = true;
	struct header_field field;

	if (work->opts->trace != NULL)
		fputs(work->opts->trace, out);
	while (header_next(&rest, &field) == 1) {
		unsigned is = find_kind(&field)->is;

		if (due && (is & FIELD_RESENT) != 0) {
			put_missing(work, out);
			due = false;
		}
		if ((is & FIELD_DROP) == 0 &&
		    put_field(work, &field, is, out) < 0)
			return -ENOMEM;
	}
	if (due)
		put_missing(work, out);
	return 0;
}

/* What a Message-Id may be for us: it is shown and compared as it is. */
static bool
is_plain_id(struct span id)
{
	for (size_t i = 0; i < id.len; i++)
		if (id.ptr[i] <= ' ' || id.ptr[i] > '~')
			return false;
	return id.len > 0 && id.len <= MESSAGE_ID_MAX;
}

int
submit_note_message_id(struct work *work)
{
	struct span rest = { work->made, work->made_len };
	struct header_field field;
	struct span id;

	while (header_next(&rest, &field) == 1) {
		if (find_kind(&field)->id != FIELD_MESSAGE_ID)
			continue;
		id = scan_trim(field.body);
		if (!is_plain_id(id))
			return 0;
		free(work->env->message_id);
		work->env->message_id = strndup(id.ptr, id.len);
		return work->env->message_id != NULL
		    ? 0
		    : submit_fail_memory(work->err);
	}
	return 0;
}
