/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* The oracle for text_clean(): written apart from it, on purpose. */

#include "config.h"

#include <iconv.h>

#include "lib/text.h"

#include "fuzz.h"

/* TEXT as code points, by the C library; *RET_N of them. */
static uint32_t *
decode(const char *text, size_t len, size_t *ret_n)
{
	uint32_t *ret = calloc(len + 1, sizeof(*ret));
	char *in = (char *)(uintptr_t)text, *out = (char *)ret;
	size_t in_left = len, out_left = len * sizeof(*ret);
	iconv_t cd = iconv_open("UTF-32LE", "UTF-8");

	fuzz_check(ret != NULL);
	fuzz_check(cd != (iconv_t)-1);
	fuzz_check(iconv(cd, &in, &in_left, &out, &out_left) == 0);
	fuzz_check(in_left == 0);
	(void)iconv_close(cd);
	*ret_n = len - out_left / sizeof(*ret);
	return ret;
}

void
fuzz_check_clean(struct span text, size_t max)
{
	char *clean = text_clean(text, max), *again;
	uint32_t *codes;
	size_t n;

	fuzz_check(clean != NULL);
	fuzz_check(strlen(clean) <= max);
	codes = decode(clean, strlen(clean), &n);
	for (size_t i = 0; i < n; i++) {
		uint32_t c = codes[i];

		fuzz_check(c >= 0x20 && (c < 0x7f || c > 0x9f));
		fuzz_check(c < 0x2028 || c > 0x202e);
		fuzz_check(c < 0x2066 || c > 0x2069);
		fuzz_check(c != 0x200e && c != 0x200f && c != 0x61c);
		fuzz_check(c != 0x200b && c != 0xfeff && c != 0x180e);
		fuzz_check(c < 0x2060 || c > 0x2064);
		fuzz_check(c < 0xe0000 || c > 0xe007f);
	}
	again = text_clean(span_of(clean), strlen(clean));
	fuzz_check(again != NULL && strcmp(again, clean) == 0);
	free(again);
	free(codes);
	free(clean);
}
