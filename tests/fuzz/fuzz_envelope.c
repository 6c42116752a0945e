/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * envelope_read() of anything: it is refused with a reason and nothing kept,
 * or what is written of it reads back as the same and is written the same.
 */

#include "config.h"

#include <stdint.h>
#include <stdlib.h>

#include "lib/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A contradiction: libFuzzer keeps the input. */
static void
expect(bool holds)
{
	if (!holds)
		abort();
}

static struct span
write_text(const struct envelope *env)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	expect(out != NULL);
	envelope_write(env, out);
	expect(fclose(out) == 0);
	return (struct span){ text, len };
}

static bool
is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
compare(const struct envelope *a, const struct envelope *b)
{
	expect(a->arrival_us == b->arrival_us && a->uid == b->uid);
	expect(a->ret == b->ret && a->body == b->body);
	expect(is_same(a->sender, b->sender) && is_same(a->envid, b->envid));
	expect(
	    is_same(a->lane, b->lane) && is_same(a->report_of, b->report_of));
	expect(a->expires_us == b->expires_us);
	expect(a->not_before_us == b->not_before_us);
	expect(a->nrcpts == b->nrcpts);
	for (size_t i = 0; i < a->nrcpts; i++) {
		expect(is_same(a->rcpts[i].addr, b->rcpts[i].addr));
		expect(is_same(a->rcpts[i].orcpt, b->rcpts[i].orcpt));
		expect(a->rcpts[i].notify == b->rcpts[i].notify);
		expect(envelope_address_fault(a->rcpts[i].addr) == NULL);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct envelope env = { 0 }, again = { 0 };
	struct span text, text_again;
	const char *why = NULL;

	if (envelope_read(
		(struct span){ (const char *)data, size }, &env, &why) < 0) {
		expect(why != NULL && env.rcpts == NULL && env.sender == NULL);
		return 0;
	}
	expect(envelope_fault(&env) == NULL);
	text = write_text(&env);
	expect(envelope_read(text, &again, &why) == 0);
	compare(&env, &again);
	text_again = write_text(&again);
	expect(text.len == text_again.len &&
	    memcmp(text.ptr, text_again.ptr, text.len) == 0);
	free((char *)(uintptr_t)text.ptr);
	free((char *)(uintptr_t)text_again.ptr);
	envelope_release(&env);
	envelope_release(&again);
	return 0;
}
