/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON as aligned text for people. Pure but for the stream. */
#ifndef VIADUCT_CLI_COLUMNS_H
#define VIADUCT_CLI_COLUMNS_H

#include <jansson.h>
#include <stdio.h>

/*
 * A table of the objects in `rows`, with a line of headings. `columns` ends
 * with NULL; NULL: the members of the first row. What is no printable ASCII
 * leaves as \xHH; what is not there as '-'.
 */
void columns_print(FILE *out, json_t *rows, const char *const *columns);
/* One line for each member of the object: name and value. */
void columns_print_members(FILE *out, json_t *object);
/* The text of one value; owned by the caller, NULL: no memory. */
char *columns_cell(json_t *value);

#endif
