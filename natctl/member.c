/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Members of a JSON object, checked. */
#include "natctl/member.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int member_fault(const struct member_place *place, const char *name,
		 const char *format, ...)
{
	char text[FAULT_REASON_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return fault_set(place->fault, RPC_INVALID_PARAMS, "%s%s: %s",
			 place->where, name, text);
}

static bool is_known(const char *key, const char *const *known)
{
	for (; *known != NULL; known++) {
		if (strcmp(key, *known) == 0)
			return true;
	}
	return false;
}

int member_open(struct member_place *place, const json_t *value,
		const char *const *known)
{
	json_t *object;
	void *iter;

	place->object = value;
	if (!json_is_object(value))
		return fault_set(place->fault, RPC_INVALID_PARAMS,
				 "%sis not an object", place->where);
	/* jansson's iterators want it without const; nothing is changed. */
	memcpy(&object, &value, sizeof(object));
	for (iter = json_object_iter(object); iter != NULL;
	     iter = json_object_iter_next(object, iter)) {
		const char *key = json_object_iter_key(iter);

		if (!is_known(key, known))
			return member_fault(place, key, "not known here");
	}
	return 0;
}

int member_open_inside(struct member_place *place,
		       const struct member_place *parent, const char *name,
		       const char *const *known)
{
	int len = snprintf(place->where, sizeof(place->where), "%s%s.",
			   parent->where, name);

	assert(len > 0 && (size_t)len < sizeof(place->where));
	place->fault = parent->fault;
	return member_open(place, json_object_get(parent->object, name), known);
}

int member_open_element(struct member_place *place,
			const struct member_place *parent, const char *name,
			size_t index, const char *const *known)
{
	const json_t *array = json_object_get(parent->object, name);
	int len = snprintf(place->where, sizeof(place->where), "%s%s[%zu].",
			   parent->where, name, index);

	assert(len > 0 && (size_t)len < sizeof(place->where));
	place->fault = parent->fault;
	return member_open(place, json_array_get(array, index), known);
}

int member_text(const struct member_place *place, const char *name,
		bool required, const char **ret)
{
	const json_t *value = json_object_get(place->object, name);

	if (value == NULL)
		return required ? member_fault(place, name, "missing") : 0;
	if (!json_is_string(value))
		return member_fault(place, name, "not a text");
	*ret = json_string_value(value);
	if (strlen(*ret) != json_string_length(value))
		return member_fault(place, name, "holds a NUL");
	return 0;
}

int member_number(const struct member_place *place, const char *name,
		  uint64_t min, uint64_t max, uint64_t *ret)
{
	const json_t *value = json_object_get(place->object, name);
	json_int_t number;

	if (value == NULL)
		return 0;
	if (!json_is_integer(value))
		return member_fault(place, name, "not a whole number");
	number = json_integer_value(value);
	if (number < 0 || (uint64_t)number < min || (uint64_t)number > max)
		return member_fault(place, name,
				    "%" JSON_INTEGER_FORMAT
				    " is not in %" PRIu64 "..%" PRIu64,
				    number, min, max);
	*ret = (uint64_t)number;
	return 0;
}

int member_bool(const struct member_place *place, const char *name, bool *ret)
{
	const json_t *value = json_object_get(place->object, name);

	if (value == NULL)
		return 0;
	if (!json_is_boolean(value))
		return member_fault(place, name, "neither true nor false");
	*ret = json_is_true(value);
	return 0;
}

int member_array(const struct member_place *place, const char *name, size_t min,
		 size_t max, const json_t **ret)
{
	const json_t *value = json_object_get(place->object, name);

	*ret = NULL;
	if (value == NULL)
		return 0;
	if (!json_is_array(value))
		return member_fault(place, name, "not a list");
	if (json_array_size(value) < min || json_array_size(value) > max)
		return member_fault(place, name,
				    "%zu elements are not in %zu..%zu",
				    json_array_size(value), min, max);
	*ret = value;
	return 0;
}

int member_word(const struct member_place *place, const char *name,
		const char *const *words, unsigned *ret)
{
	const char *text = NULL;
	int rc = member_text(place, name, false, &text);

	if (rc != 0 || text == NULL)
		return rc;
	for (unsigned i = 0; words[i] != NULL; i++) {
		if (strcmp(text, words[i]) == 0) {
			*ret = i;
			return 0;
		}
	}
	return member_fault(place, name, "\"%s\" is not known here", text);
}
