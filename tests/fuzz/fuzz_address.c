/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Any bytes as an address list, and as a name.  Aborts when a span points
 * outside the text or backwards, when an address is written that is not read
 * back as itself, when qualifying twice is not qualifying once, when a name
 * grows into an address, or when cleaned text is not clean.
 */

#include "config.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/address.h"
#include "lib/text.h"

#include "fuzz.h"

#define ORIGIN "d.example"

struct seen {
	struct span body;
	const char *last; /* nothing may be found before it */
	size_t n_boxes;
	size_t n_unqualified;
};

static void
check_inside(struct span outer, struct span inner)
{
	fuzz_check(inner.ptr >= outer.ptr);
	fuzz_check(inner.len <= outer.len);
	fuzz_check(inner.ptr + inner.len <= outer.ptr + outer.len);
}

struct copy {
	char *text;
	size_t len;
	size_t n_boxes;
};

/* Write BOX into the new string of the struct copy ARG. */
static int
copy_box(const struct mailbox *box, void *arg)
{
	struct copy *copy = arg;
	FILE *out;

	if (copy->n_boxes++ > 0)
		return 0;
	out = open_memstream(&copy->text, &copy->len);
	fuzz_check(out != NULL);
	address_put(out, box, ORIGIN);
	fuzz_check(fclose(out) == 0);
	return 0;
}

static void
check_written(const struct mailbox *box)
{
	struct copy once = { 0 }, again = { 0 };
	size_t pos;

	(void)copy_box(box, &once);
	for (size_t i = 0; i < once.len; i++) {
		unsigned char c = (unsigned char)once.text[i];

		fuzz_check(c >= ' ' && c != 0x7f);
	}
	fuzz_check(address_walk((struct span){ once.text, once.len }, copy_box,
		       &again, &pos) == 0);
	fuzz_check(again.n_boxes == 1 && again.len == once.len);
	fuzz_check(memcmp(again.text, once.text, once.len) == 0);
	fuzz_check(address_compare(again.text, once.text) == 0);
	free(once.text);
	free(again.text);
}

static int
check_box(const struct mailbox *box, void *arg)
{
	struct seen *seen = arg;

	check_inside(seen->body, box->whole);
	check_inside(box->whole, box->local);
	fuzz_check(box->local.len > 0);
	if (box->domain.len > 0) {
		struct span first = box->local, second = box->domain;

		check_inside(box->whole, box->domain);
		if (second.ptr < first.ptr) {
			first = box->domain;
			second = box->local;
			fuzz_check(first.ptr[first.len] == '!');
		}
		fuzz_check(second.ptr > first.ptr + first.len);
	} else {
		seen->n_unqualified++;
	}
	fuzz_check(box->whole.ptr >= seen->last);
	seen->last = box->whole.ptr + box->whole.len;
	seen->n_boxes++;
	check_written(box);
	return 0;
}

/* An address_map_fn. */
static int
qualify_box(const struct mailbox *box, void *arg, char **ret)
{
	(void)arg;
	if (box->domain.len == 0)
		fuzz_check((*ret = strdup("@" ORIGIN)) != NULL);
	return 0;
}

/* Qualify BODY into new text. */
static struct span
qualify(struct span body, int want)
{
	char *ret = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&ret, &len);

	fuzz_check(out != NULL);
	fuzz_check(address_rewrite(body, qualify_box, NULL, out) == want);
	fuzz_check(fclose(out) == 0);
	return (struct span){ ret, len };
}

static void
check_qualify(struct span body, int err, const struct seen *seen)
{
	struct span once = qualify(body, err), twice = qualify(once, err);
	struct seen after = { once, once.ptr, 0, 0 };
	size_t pos;

	fuzz_check(once.len == twice.len);
	fuzz_check(memcmp(once.ptr, twice.ptr, once.len) == 0);
	if (err != 0) {
		fuzz_check(once.len == body.len);
		fuzz_check(
		    body.len == 0 || memcmp(once.ptr, body.ptr, body.len) == 0);
	} else {
		fuzz_check(once.len ==
		    body.len + seen->n_unqualified * strlen("@" ORIGIN));
		fuzz_check(address_walk(once, check_box, &after, &pos) == 0);
		fuzz_check(after.n_unqualified == 0);
		fuzz_check(after.n_boxes == seen->n_boxes);
	}
	free((char *)(uintptr_t)once.ptr);
	free((char *)(uintptr_t)twice.ptr);
}

/* BODY as a name in front of an address is nothing but a name. */
static void
check_phrase(struct span body)
{
	struct copy found = { 0 };
	char *text = NULL;
	size_t len = 0, pos;
	FILE *out = open_memstream(&text, &len);

	fuzz_check(out != NULL);
	address_put_phrase(out, body);
	(void)fputs(" <a@x>", out);
	fuzz_check(fclose(out) == 0);
	fuzz_check(strpbrk(text, "\r\n\t") == NULL && strlen(text) == len);
	fuzz_check(address_walk((struct span){ text, len }, copy_box, &found,
		       &pos) == 0);
	fuzz_check(found.n_boxes == 1 && strcmp(found.text, "a@x") == 0);
	free(found.text);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span body = { (const char *)data, size };
	struct seen seen = { body, body.ptr, 0, 0 };
	size_t pos = SIZE_MAX;
	int err = address_walk(body, check_box, &seen, &pos);

	fuzz_check(err == 0 || err == -EINVAL);
	fuzz_check(err == 0 ? pos == SIZE_MAX : pos < size);
	check_qualify(body, err, &seen);
	check_phrase(body);
	fuzz_check_clean(body, size);
	return 0;
}
