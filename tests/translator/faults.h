/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lets the n-th allocation fail, and counts those that are alive. Linked with
 * --wrap for malloc, calloc, realloc and free.
 */
#ifndef VIADUCT_TESTS_TRANSLATOR_FAULTS_H
#define VIADUCT_TESTS_TRANSLATOR_FAULTS_H

#include <stdbool.h>
#include <stddef.h>

/* A fixture: at its end what was allocated since must have been freed. */
void faults_begin(void);
void faults_end(void);

/* The n-th allocation from now on fails, n from 1. */
void faults_arm(unsigned n);
/* Disarms; has it come to that allocation? */
bool faults_disarm(void);
/* How many allocations since faults_begin have not been freed. */
size_t faults_live(void);

#endif
