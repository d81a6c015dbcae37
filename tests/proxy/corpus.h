/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SDPs of tests/data, one after the other. */
#ifndef VIADUCT_TESTS_PROXY_CORPUS_H
#define VIADUCT_TESTS_PROXY_CORPUS_H

#include <stddef.h>

struct corpus_file {
	const char *name; /* below tests/data */
	char *body;       /* of a .sip file: what is behind its headers */
	size_t len;
	char *type; /* Content-Type of a .sip file; application/sdp otherwise */
};

typedef void (*corpus_fn)(const struct corpus_file *file, void *arg);

/*
 * Calls fn for each .sdp file and for the body of each .sip file that has one;
 * returns how many there were.
 */
size_t corpus_each(corpus_fn fn, void *arg);
/* The whole file below $srcdir, ended by NUL; fails the test without it. */
char *corpus_read(const char *path, size_t *ret_len);

#endif
