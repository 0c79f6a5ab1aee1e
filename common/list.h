/*
 * list: an intrusive doubly linked list. A node lives inside the struct it links; the head owns
 * nothing. All operations take constant time; a removed node is re-initialised, so removing twice
 * does no harm.
 */
#ifndef COMMON_LIST_H
#define COMMON_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define LIST_ENTRY(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* for (LIST_EACH(pos, &head)): the body may not remove pos; LIST_EACH_SAFE lets it. */
#define LIST_EACH(pos, head)                                                                       \
	struct list *pos = (head)->next;                                                           \
	pos != (head);                                                                             \
	pos = pos->next
#define LIST_EACH_SAFE(pos, tmp, head)                                                             \
	struct list *pos = (head)->next, *tmp = pos->next;                                         \
	pos != (head);                                                                             \
	pos = tmp, tmp = pos->next

static inline void list_init(struct list *node)
{
	node->next = node;
	node->prev = node;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_append(struct list *head, struct list *node)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#endif
