/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Any bytes as a .status.json.  Aborts when what could be read of it, written,
 * is no JSON, or does not read back whole and stay the same.
 */

#include "config.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "lib/json-out.h"
#include "lib/status-stream.h"

#include "fuzz.h"

#define NOW_US INT64_C(1763770000123456)

/* Read what is in IN, as far as it can be; whether that is all. */
static bool
read_all(FILE *in, struct queue *q, struct status_daemon *daemon)
{
	struct status_stream s;
	struct message *m;
	int err = status_stream_begin(&s, in, q, daemon);

	if (err == 0)
		while ((err = status_stream_next(&s)) > 0) {
			err = status_stream_take(&s, q, &m);
			fuzz_check(
			    err == 0 || err == -EBADMSG || err == -EEXIST);
			if (err < 0)
				break;
			fuzz_check(queue_find(q, m->id) == m);
			fuzz_check(m->npending <= m->nrcpts);
		}
	status_stream_end(&s);
	return err == 0;
}

static void
write_all(struct json_out *o, struct queue *q, const struct status_daemon *d)
{
	size_t n = 0;

	status_put_head(o, q, d, STATUS_OPERATORS, NOW_US);
	for (struct message *m = queue_first(q); m != NULL;
	     m = queue_next(q, m)) {
		if (n++ > 0)
			json_out_raw(o, STATUS_BETWEEN, strlen(STATUS_BETWEEN));
		status_put_message(o, q, m, NOW_US);
	}
	if (n > 0)
		json_out_raw(o, STATUS_AFTER, strlen(STATUS_AFTER));
	json_out_raw(o, STATUS_END, strlen(STATUS_END));
	fuzz_check(!o->failed);
}

/* Another parser's opinion. */
static void
check_json(const char *text, size_t len)
{
	struct json_tokener *tok = json_tokener_new_ex(32);
	struct json_object *obj;

	fuzz_check(tok != NULL);
	json_tokener_set_flags(
	    tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	obj = json_tokener_parse_ex(tok, text, (int)len);
	fuzz_check(json_tokener_get_error(tok) == json_tokener_success);
	fuzz_check(json_object_is_type(obj, json_type_object));
	(void)json_object_put(obj);
	json_tokener_free(tok);
}

/* Read LEN bytes of TEXT and write to O what that was; whether it was all. */
static bool
copy(const void *text, size_t len, struct json_out *o)
{
	FILE *in = fmemopen((void *)(uintptr_t)text, len, "r");
	struct status_daemon daemon;
	struct queue q;
	bool is_all;

	fuzz_check(in != NULL);
	queue_init(&q);
	is_all = read_all(in, &q, &daemon);
	/* What waits for its relay is told by the time of the status. */
	q.read_us = NOW_US;
	write_all(o, &q, &daemon);
	status_daemon_release(&daemon);
	queue_release(&q);
	(void)fclose(in);
	return is_all;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_out clean = { .text = NULL };
	struct json_out first = { .text = NULL }, second = { .text = NULL };

	if (size == 0)
		return 0;
	/* Bytes that are no UTF-8 get longer, and what was cut is no more. */
	(void)copy(data, size, &clean);
	check_json(clean.text, clean.len);
	fuzz_check(copy(clean.text, clean.len, &first));
	fuzz_check(copy(first.text, first.len, &second));
	fuzz_check_same((struct span){ first.text, first.len },
	    (struct span){ second.text, second.len });
	json_out_free(&clean);
	json_out_free(&first);
	json_out_free(&second);
	return 0;
}
