/* SPDX-License-Identifier: ISC */
/* SPDX-FileCopyrightText: the spoold authors */

/* What every unit test's main() does. */

#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <stdlib.h>

/* Check gives a case four seconds: too little where a sanitizer and others
 * share a machine with it.  Before main(), which makes the cases. */
static void __attribute__((constructor)) unit_be_patient(void)
{
	(void)setenv("CK_DEFAULT_TIMEOUT", "60", 0);
}

/* Run S, say each case as TAP on standard output; the exit status. */
static inline int
unit_main(Suite *s)
{
	SRunner *sr = srunner_create(s);
	int failed;

	srunner_set_tap(sr, "-");
	srunner_run_all(sr, CK_SILENT);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
