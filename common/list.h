/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intrusive doubly linked list. A head is a node that is on no other list. */
#ifndef VIADUCT_COMMON_LIST_H
#define VIADUCT_COMMON_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct list {
	struct list *next;
	struct list *prev;
};

/* The object of `type` whose `member` is at `ptr`. */
#define container_of(ptr, type, member) \
	((type *)((uintptr_t)(ptr)-offsetof(type, member)))
#define container_of_const(ptr, type, member)                            \
	((const type *)(const void *)((const char *)(ptr)-offsetof(type, \
								   member)))

static inline void list_init(struct list *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_add_between(struct list *node, struct list *prev,
				    struct list *next)
{
	next->prev = node;
	node->next = next;
	node->prev = prev;
	prev->next = node;
}

static inline void list_add_tail(struct list *head, struct list *node)
{
	list_add_between(node, head->prev, head);
}

static inline void list_add_head(struct list *head, struct list *node)
{
	list_add_between(node, head, head->next);
}

/* Safe on a node that is on no list, when it was initialised. */
static inline void list_remove(struct list *node)
{
	node->next->prev = node->prev;
	node->prev->next = node->next;
	list_init(node);
}

#define list_for_each(pos, head) \
	for ((pos) = (head)->next; (pos) != (head); (pos) = (pos)->next)

/* `pos` may be removed (and freed) in the body; `tmp` is another cursor. */
#define list_for_each_safe(pos, tmp, head)                               \
	for ((pos) = (head)->next, (tmp) = (pos)->next; (pos) != (head); \
	     (pos) = (tmp), (tmp) = (pos)->next)

#endif
