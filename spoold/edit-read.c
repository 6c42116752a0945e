/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* See edit-read.h. */

#include "config.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "lib/status-work.h"
#include "spoold/edit-read.h"

/* A message has hundreds of thousands of recipients at most. */
#define VALUE_MAX ((size_t)256 << 20)
#define ATTEMPTS_MAX 1000000

/* ---- a set of messages ----------------------------------------------- */

bool
id_set_add(struct id_set *set, const char *id)
{
	size_t alloc = set->alloc * 2 + 256;
	void *ids;

	if (set->len == set->alloc) {
		ids = reallocarray(set->ids, alloc, sizeof(*set->ids));
		if (ids == NULL)
			return false;
		set->ids = ids;
		set->alloc = alloc;
	}
	(void)snprintf(set->ids[set->len++], SPOOL_ID_SIZE, "%s", id);
	return true;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

void
id_set_sort(struct id_set *set)
{
	if (set->len > 1)
		qsort(set->ids, set->len, sizeof(*set->ids), compare);
}

bool
id_set_has(const struct id_set *set, const char *id)
{
	return set->len > 0 &&
	    bsearch(id, set->ids, set->len, sizeof(*set->ids), compare) != NULL;
}

void
id_set_release(struct id_set *set)
{
	free(set->ids);
	*set = (struct id_set){ .len = 0 };
}

/* ---- what it says ---------------------------------------------------- */

static struct json_object *
member(struct json_object *obj, const char *key)
{
	struct json_object *val;

	return json_object_object_get_ex(obj, key, &val) ? val : NULL;
}

static const char *
string(struct json_object *obj, const char *key)
{
	struct json_object *val = member(obj, key);

	return json_object_is_type(val, json_type_string)
	    ? json_object_get_string(val)
	    : NULL;
}

const char *
edited_message_get(struct json_object *obj, struct edited_message *ret)
{
	const char *state;

	if (!json_object_is_type(obj, json_type_object))
		return "a message is no object";
	ret->id = string(obj, "id");
	if (ret->id == NULL || !spool_is_id(ret->id))
		return "a message has no valid \"id\"";
	state = string(obj, "state");
	ret->state = SPOOL_QUEUE;
	while (
	    state == NULL || strcmp(state, spool_state_name(ret->state)) != 0)
		if (state == NULL || ++ret->state == SPOOL_STATES)
			return "\"state\" is not queue, hold or failed";
	ret->rcpts = member(obj, "rcpts");
	if (!json_object_is_type(ret->rcpts, json_type_array))
		return "\"rcpts\" is no list";
	ret->nrcpts = json_object_array_length(ret->rcpts);
	return NULL;
}

static const char *
get_numbers(struct json_object *obj, struct edited_rcpt *ret)
{
	struct json_object *attempts = member(obj, "attempts");
	struct json_object *next = member(obj, "next");

	ret->attempts = -1;
	ret->next_us = 0;
	if (attempts != NULL) {
		if (!json_object_is_type(attempts, json_type_int) ||
		    json_object_get_int64(attempts) < 0 ||
		    json_object_get_int64(attempts) > ATTEMPTS_MAX)
			return "\"attempts\" is no such number";
		ret->attempts = json_object_get_int(attempts);
	}
	if (next == NULL)
		return NULL;
	if (!json_object_is_type(next, json_type_int) &&
	    !json_object_is_type(next, json_type_double))
		return "\"next\" is no time in seconds";
	ret->next_us = event_time_us(next, -1);
	return ret->next_us < 0 ? "\"next\" is no time in seconds" : NULL;
}

const char *
edited_rcpt_get(
    const struct edited_message *m, size_t index, struct edited_rcpt *ret)
{
	struct json_object *obj = json_object_array_get_idx(m->rcpts, index);
	const char *state;

	if (!json_object_is_type(obj, json_type_object))
		return "a recipient is no object";
	ret->addr = string(obj, "rcpt");
	if (ret->addr == NULL)
		return "\"rcpt\" is missing";
	state = string(obj, "state");
	if (state == NULL)
		return "a recipient has no \"state\"";
	ret->state = RCPT_PENDING;
	while (strcmp(state, status_rcpt_state(ret->state)) != 0)
		if (ret->state++ == RCPT_DROPPED)
			return "a recipient's \"state\" is not known";
	return get_numbers(obj, ret);
}

/* ---- the file -------------------------------------------------------- */

static int
fail(struct edit_file *f, int err, const char *id, const char *why)
{
	(void)snprintf(f->why, sizeof(f->why), "line %lu%s%s: %s", f->scan.line,
	    id == NULL ? "" : ", id=", id == NULL ? "" : id, why);
	return err;
}

/* What the scan has to say. */
static int
fail_scan(struct edit_file *f, int err)
{
	return fail(
	    f, err, NULL, err == -EBADMSG ? f->scan.why : strerror(-err));
}

/* Step to the next member; KEY is its name. */
static int
next_key(struct edit_file *f, char *key, size_t size)
{
	int err = json_scan_key(&f->scan, key, size);

	return err < 0 ? fail_scan(f, err) : err;
}

static int
begin(struct edit_file *f)
{
	int err;

	rewind(f->in);
	json_scan_release(&f->scan);
	err = json_scan_begin(&f->scan, f->in, VALUE_MAX);
	return err < 0 ? fail_scan(f, err) : 0;
}

int
edit_file_next(struct edit_file *f, struct json_object **ret)
{
	int err = json_scan_element(&f->scan, ret);

	return err < 0 ? fail_scan(f, err) : err;
}

static int
check_message(struct edit_file *f, struct json_object *obj)
{
	struct edited_message m;
	struct edited_rcpt r;
	const char *why = edited_message_get(obj, &m);

	if (why != NULL)
		return fail(f, -EBADMSG, NULL, why);
	for (size_t i = 0; i < m.nrcpts; i++) {
		why = edited_rcpt_get(&m, i, &r);
		if (why != NULL)
			return fail(f, -EBADMSG, m.id, why);
	}
	return id_set_add(&f->ids, m.id)
	    ? 0
	    : fail(f, -ENOMEM, NULL, strerror(ENOMEM));
}

static int
check_messages(struct edit_file *f)
{
	struct json_object *obj = NULL;
	int err;

	if (json_scan_enter(&f->scan) == 0)
		return fail(f, -EBADMSG, NULL, "\"messages\" is no list");
	while ((err = edit_file_next(f, &obj)) > 0) {
		err = check_message(f, obj);
		json_object_put(obj);
		if (err < 0)
			return err;
	}
	return err;
}

static void
get_spool_id(struct edit_file *f, struct json_object *obj)
{
	const char *id = json_object_is_type(obj, json_type_string)
	    ? json_object_get_string(obj)
	    : "";

	f->spool_id[0] = '\0';
	if (status_is_spool_id(id))
		(void)strcpy(f->spool_id, id);
}

/* A member that is no list of messages; what is known of it is noted. */
static int
check_member(struct edit_file *f, const char *key, bool *is_ours)
{
	struct json_object *obj = NULL;
	int err = json_scan_value(&f->scan, &obj);

	if (err < 0)
		return fail_scan(f, err);
	if (strcmp(key, "version") == 0)
		*is_ours = json_object_get_int(obj) == STATUS_VERSION;
	if (strcmp(key, "seq") == 0)
		f->seq = json_object_get_uint64(obj);
	if (strcmp(key, "spool_id") == 0)
		get_spool_id(f, obj);
	json_object_put(obj);
	return 0;
}

/* All members; *RET_IS_STATUS: those are there that make it one. */
static int
check_members(struct edit_file *f, bool *ret_is_status)
{
	bool is_ours = false, any = false;
	char key[32];
	int err, more;

	f->seq = 0;
	f->spool_id[0] = '\0';
	while ((more = next_key(f, key, sizeof(key))) > 0) {
		bool is_list = strcmp(key, "messages") == 0;

		any |= is_list;
		err = is_list ? check_messages(f)
			      : check_member(f, key, &is_ours);
		if (err < 0)
			return err;
	}
	*ret_is_status = any && is_ours && f->seq > 0;
	return more;
}

int
edit_file_check(struct edit_file *f)
{
	bool is_status = false;
	int err = begin(f);

	if (err == 0)
		err = check_members(f, &is_status);
	if (err < 0)
		return err;
	err = json_scan_end(&f->scan);
	if (err < 0)
		return fail_scan(f, err);
	if (!is_status)
		return fail(f, -EBADMSG, NULL,
		    "no status: \"version\", \"seq\" or \"messages\" is "
		    "missing");
	id_set_sort(&f->ids);
	return 0;
}

int
edit_file_rewind(struct edit_file *f)
{
	struct json_object *obj = NULL;
	char key[32];
	int err = begin(f);

	while (err == 0 && (err = next_key(f, key, sizeof(key))) > 0) {
		if (strcmp(key, "messages") == 0)
			return json_scan_enter(&f->scan) > 0 ? 0 : -EBADMSG;
		err = json_scan_value(&f->scan, &obj);
		if (err < 0)
			return fail_scan(f, err);
		json_object_put(obj);
		err = 0;
	}
	return err < 0 ? err : -EBADMSG;
}

void
edit_file_release(struct edit_file *f)
{
	json_scan_release(&f->scan);
	id_set_release(&f->ids);
}
