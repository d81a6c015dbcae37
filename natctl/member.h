/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of a JSON object, checked, with words about what is wrong. Pure. */
#ifndef VIADUCT_NATCTL_MEMBER_H
#define VIADUCT_NATCTL_MEMBER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "natctl/fault.h"

/* An object and where it stands, for the words. */
struct member_place {
	const json_t *object;
	char where[96]; /* "leases[0]."; "" at the top. Own names only */
	struct fault *fault;
};

/*
 * All return 0 or -EPROTO with the fault filled in. A member that is missing
 * leaves *ret as it is, unless `required`.
 */

/* `value` must be an object with no other members than `known` (NULL ends). */
int member_open(struct member_place *place, const json_t *value,
		const char *const *known);
/* The object `name` of `parent`, likewise. */
int member_open_inside(struct member_place *place,
		       const struct member_place *parent, const char *name,
		       const char *const *known);
/* Element `index` of the array `name` of `parent`, likewise. */
int member_open_element(struct member_place *place,
			const struct member_place *parent, const char *name,
			size_t index, const char *const *known);
int member_text(const struct member_place *place, const char *name,
		bool required, const char **ret);
int member_number(const struct member_place *place, const char *name,
		  uint64_t min, uint64_t max, uint64_t *ret);
int member_bool(const struct member_place *place, const char *name, bool *ret);
/* *ret is the array, or NULL: not there. Of min..max elements when it is. */
int member_array(const struct member_place *place, const char *name, size_t min,
		 size_t max, const json_t **ret);
/* Index of the text in `words` (NULL ends). */
int member_word(const struct member_place *place, const char *name,
		const char *const *words, unsigned *ret);
/* "WHERE.NAME: text" as the reason, RPC_INVALID_PARAMS. Always -EPROTO. */
int member_fault(const struct member_place *place, const char *name,
		 const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
