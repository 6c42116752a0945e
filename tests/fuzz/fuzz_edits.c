/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Any bytes as a .status.json that somebody edited.  Aborts when one that is
 * refused has no reason, or one that is not shows other messages when it is
 * read again.
 */

#include "config.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "spoold/edit-read.h"

#include "fuzz.h"

static void
check_message(const struct edit_file *f, struct json_object *obj)
{
	struct edited_message m;
	struct edited_rcpt r;

	fuzz_check(edited_message_get(obj, &m) == NULL);
	fuzz_check(id_set_has(&f->ids, m.id));
	for (size_t i = 0; i < m.nrcpts; i++) {
		fuzz_check(edited_rcpt_get(&m, i, &r) == NULL);
		fuzz_check(r.addr != NULL && r.next_us >= 0);
		fuzz_check(r.attempts >= -1);
	}
}

static void
check_taken(struct edit_file *f)
{
	struct json_object *obj = NULL;
	size_t n = 0;
	int more;

	fuzz_check(f->seq > 0);
	fuzz_check(edit_file_rewind(f) == 0);
	while ((more = edit_file_next(f, &obj)) > 0) {
		check_message(f, obj);
		(void)json_object_put(obj);
		n++;
	}
	fuzz_check(more == 0 && n <= f->ids.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct edit_file f = { .in = NULL };
	int err, fd = memfd_create("edited", MFD_CLOEXEC);

	fuzz_check(fd >= 0);
	fuzz_check(write(fd, data, size) == (ssize_t)size);
	f.in = fdopen(fd, "r");
	fuzz_check(f.in != NULL);
	err = edit_file_check(&f);
	if (err == 0)
		check_taken(&f);
	else
		fuzz_check(err == -EBADMSG && f.why[0] != '\0');
	edit_file_release(&f);
	(void)fclose(f.in);
	return 0;
}
