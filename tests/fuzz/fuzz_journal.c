/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Any lines as a journal, whatever their order.  Aborts when an event that is
 * taken does not read back as it was written, or the picture that the events
 * make contradicts itself.
 */

#include "config.h"

#include <json-c/json.h>
#include <string.h>

#include "lib/event.h"
#include "lib/json-out.h"
#include "lib/queue.h"

#include "fuzz.h"

static struct json_object *
parse(const char *text, size_t len)
{
	struct json_tokener *tok = json_tokener_new();
	struct json_object *obj;

	fuzz_check(tok != NULL);
	obj = json_tokener_parse_ex(tok, text, (int)len);
	if (json_tokener_get_error(tok) == json_tokener_continue) {
		/* As a number at the end, which might go on. */
		(void)json_object_put(obj);
		obj = json_tokener_parse_ex(tok, "", 1);
	}
	json_tokener_free(tok);
	return obj;
}

/* EV, written, is an event, and that one is written the same. */
static void
check_writing(const struct event *ev)
{
	struct json_out first = { .text = NULL }, second = { .text = NULL };
	struct json_object *obj;
	struct event again;

	event_put(&first, ev);
	fuzz_check(!first.failed);
	fuzz_check(memchr(first.text, '\n', first.len) == NULL);
	obj = parse(first.text, first.len);
	fuzz_check(event_from_json(obj, &again) == 0);
	fuzz_check(again.kind == ev->kind && again.nrcpts == ev->nrcpts);
	event_put(&second, &again);
	fuzz_check_same((struct span){ first.text, first.len },
	    (struct span){ second.text, second.len });
	event_release(&again);
	(void)json_object_put(obj);
	json_out_free(&first);
	json_out_free(&second);
}

static void
check_message(const struct message *m)
{
	unsigned npending = 0, nwaiting = 0, in_parts = 0;

	for (unsigned i = 0; i < m->nrcpts; i++) {
		npending += m->rcpts[i].state == RCPT_PENDING;
		nwaiting += m->rcpts[i].waiting;
		fuzz_check(m->rcpts[i].part != NULL);
		fuzz_check(m->rcpts[i].part->message == m);
	}
	for (const struct part *p = &m->first; p != NULL; p = p->next)
		in_parts += p->npending;
	fuzz_check(m->npending == npending && in_parts == npending);
	fuzz_check(m->nwaiting == nwaiting);
}

static void
check_queue(struct queue *q)
{
	size_t count[SPOOL_STATES] = { 0 };

	for (struct message *m = queue_first(q); m != NULL;
	     m = queue_next(q, m)) {
		fuzz_check(queue_find(q, m->id) == m);
		count[m->state]++;
		check_message(m);
	}
	fuzz_check(memcmp(count, q->count, sizeof(count)) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = { (const char *)data, size };
	struct queue q;

	queue_init(&q);
	while (rest.len > 0) {
		const char *end = memchr(rest.ptr, '\n', rest.len);
		size_t len = end == NULL ? rest.len : (size_t)(end - rest.ptr);
		struct json_object *obj = parse(rest.ptr, len);
		struct event ev;

		if (event_from_json(obj, &ev) == 0) {
			/* Of what is damaged, the name may be anything. */
			if (ev.id[0] == '\0' || spool_is_id(ev.id))
				check_writing(&ev);
			fuzz_check(queue_apply(&q, &ev) == 0);
			check_queue(&q);
			event_release(&ev);
		}
		(void)json_object_put(obj);
		len += end != NULL;
		rest = (struct span){ rest.ptr + len, rest.len - len };
	}
	queue_release(&q);
	return 0;
}
