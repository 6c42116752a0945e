/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/*
 * Any bytes as a file of aliases, and as a generic map.  Aborts when an entry
 * is not found by its name, points outside of its file or has a line that the
 * file has not; when a recipient leads to an address that no envelope takes,
 * to one at localhost, or, with nothing said against it, to nobody.
 */

#include "config.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <string.h>
#include <unistd.h>

#include "lib/expansion.h"
#include "lib/generic.h"
#include "lib/routes.h"

#include "fuzz.h"

static int
expand_box(const struct mailbox *box, void *arg)
{
	const char *why = NULL;
	int err = expansion_add(arg, box, &why);

	fuzz_check(err == 0);
	return 0;
}

/* Every name leads somewhere, the fallback if nowhere else. */
static void
check_expansion(struct identity *id, struct span name)
{
	struct envelope env = { 0 };
	struct mailbox box = {
		.local = name, .domain = { "localhost", 9 }, .whole = name
	};

	fuzz_check(expansion_restart(id, &env) == 0);
	(void)expand_box(&box, id);
	fuzz_check(env.nrcpts > 0);
	for (size_t i = 0; i < env.nrcpts; i++) {
		const char *addr = env.rcpts[i].addr;
		size_t at = address_local_len(span_of(addr));

		fuzz_check(envelope_address_fault(addr) == NULL);
		fuzz_check(addr[at] == '@');
		fuzz_check(!identity_is_localhost(span_of(addr + at + 1)));
		fuzz_check(env.rcpts[i].orcpt == NULL ||
		    envelope_orcpt_fault(env.rcpts[i].orcpt) == NULL);
	}
	expansion_end(id);
	envelope_release(&env);
}

/* Whether NAME is letters only: then it needs no quotes. */
static bool
is_word(struct span name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] < 'a' || name.ptr[i] > 'z')
			return false;
	return name.len < 800;
}

static void
check_aliases(struct identity *id, size_t size)
{
	const struct aliases *aliases = routes_aliases(id);

	for (size_t i = 0; i < aliases_count(aliases); i++) {
		struct span name = aliases_name(aliases, i);

		fuzz_check(name.len > 0);
		fuzz_check(aliases_find(aliases, name) == i);
		fuzz_check(aliases_value(aliases, i).len < size);
		fuzz_check(aliases_line(aliases, i) > 0);
		fuzz_check(aliases_line(aliases, i) <= size);
		if (is_word(name))
			check_expansion(id, name);
	}
}

static void
check_generic(const char *path)
{
	static const char *const senders[] = { "root@o.test", "a@b.lan",
		"\"a b\"@c" };
	struct generic *generic;
	const char *why, *found;

	fuzz_check(
	    generic_read(&generic, path, "o.test", NULL, NULL, &why) == 0);
	for (size_t i = 0; i < sizeof(senders) / sizeof(senders[0]); i++) {
		struct span addr = span_of(senders[i]);

		found = generic_find(
		    generic, addr, address_local_len(addr), i == 0);
		fuzz_check(found == NULL || found[0] == '@' ||
		    envelope_address_fault(found) == NULL);
	}
	generic_free(generic);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char origin[] = "o.test", host[] = "host.test";
	struct identity id = { .origin = origin, .hostname = host };
	char path[40], *why = NULL;
	int fd = memfd_create("aliases", MFD_CLOEXEC);

	fuzz_check(fd >= 0 && fchmod(fd, 0600) == 0);
	fuzz_check(write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	id.aliases_path = path;
	fuzz_check(routes_read(&id, &why) == 0);
	check_aliases(&id, size);
	check_generic(path);
	routes_free(id.routes);
	expansion_free(id.expansion);
	close(fd);
	return 0;
}
