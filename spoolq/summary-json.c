/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See summary.h: for programs. */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json-out.h"
#include "lib/text.h"
#include "spoolq/summary.h"

static void
put(struct json_out *o, const char *text)
{
	json_out_raw(o, text, strlen(text));
}

/* A member that is a string from elsewhere. */
static void
put_text(struct json_out *o, const char *key, const char *text)
{
	char *clean = text_clean(span_of(text), OUTPUT_TEXT_MAX);

	if (clean == NULL)
		o->failed = true;
	json_out_member(o, key, clean);
	free(clean);
}

static void
put_counts(struct json_out *o, const struct tally *t)
{
	json_out_uint(o, "messages", t->messages);
	json_out_uint(o, "recipients", t->rcpts);
	json_out_uint(o, "bytes", t->bytes);
	json_out_key(o, "states");
	put(o, "{");
	for (int i = 0; i < TALLY_STATES; i++)
		json_out_uint(
		    o, tally_state_name((enum tally_state)i), t->state[i]);
	put(o, "}");
	json_out_key(o, "waits");
	put(o, "{");
	for (int i = WHY_NOTHING + 1; i < WHY_KINDS; i++)
		json_out_uint(o, why_name((enum why)i), t->why[i]);
	put(o, "}");
	if (t->oldest_us > 0) {
		json_out_key(o, "oldest");
		put(o, "{");
		json_out_member(o, "id", t->oldest_id);
		json_out_time(o, "since", t->oldest_us);
		put(o, "}");
	}
}

/* KEY of the row is left out for what top_rest() made. */
static void
put_row(struct json_out *o, const char *key, const struct top_row *row)
{
	put(o, "{");
	if (row->text != NULL)
		put_text(o, key, row->text);
	json_out_uint(o, "count", row->count);
	json_out_key(o, "ages");
	put(o, "[");
	for (unsigned i = 0; i < TOP_AGES; i++) {
		char text[OUTPUT_WORD];

		(void)snprintf(text, sizeof(text), "%s%llu", i > 0 ? "," : "",
		    (unsigned long long)row->ages[i]);
		put(o, text);
	}
	put(o, "]}");
}

/* A table: a list of its first rows, and what all others make together. */
static void
put_table(struct json_out *o, const char *name, const char *key,
    const struct top *t, size_t top)
{
	struct top_row rest = top_rest(t, top);

	json_out_key(o, name);
	put(o, "{");
	json_out_key(o, "rows");
	put(o, "[");
	for (size_t i = 0; i < t->nrows && i < top; i++) {
		if (i > 0)
			put(o, ",");
		put_row(o, key, &t->rows[i]);
	}
	put(o, "]");
	json_out_key(o, "others");
	put_row(o, key, &rest);
	put(o, "}");
}

static void
put_age_limits(struct json_out *o)
{
	json_out_key(o, "age_limits");
	put(o, "[");
	for (unsigned i = 0; i < TOP_AGES - 1; i++) {
		char text[OUTPUT_WORD];

		(void)snprintf(text, sizeof(text), "%s%u", i > 0 ? "," : "",
		    60 * top_age_limit(i));
		put(o, text);
	}
	put(o, "]");
}

int
summary_put_json(FILE *out, const struct picture *p, size_t top)
{
	const struct tally *t = &p->tally;
	struct json_out o = { .len = 0 };
	int result;

	put(&o, "{");
	json_out_time(&o, "time", p->now_us);
	put_counts(&o, t);
	put_age_limits(&o);
	put_table(&o, "domains", "domain", &t->domains, top);
	put_table(&o, "relays", "relay", &t->relays, top);
	put_table(&o, "senders", "sender", &t->senders, top);
	put_table(&o, "errors", "error", &t->errors, top);
	put(&o, "}\n");
	result = o.failed ? -ENOMEM : 0;
	if (result == 0)
		(void)fwrite(o.text, 1, o.len, out);
	json_out_free(&o);
	return result;
}
