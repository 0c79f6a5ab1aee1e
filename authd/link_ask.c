/*
 * link_ask: owns the list of those who wait, each on the stack of its own thread. Only the loop's
 * thread touches a link; nobody waits for a peer with the mutex held.
 */
#include "authd/link_ask.h"

#include <string.h>

void link_ask_init(
	struct link_ask *ask, const struct link_env *env, ev_async *wake, pthread_mutex_t *mutex)
{
	*ask = (struct link_ask){ .env = env, .wake = wake, .mutex = mutex };
	list_init(&ask->queries);
	list_init(&ask->orders);
}

/* ---- on the loop's thread ---- */

static void send_query(struct link_query *q, const struct link_set *set)
{
	q->asked = true;
	for (size_t i = 0; i < set->entry_count; i++) {
		const char *name = set->entries[i]->view.conf.name;

		link_query_expect(q, name);
		if (link_send_query(set->entries[i]->link, q->id, q->what, q->room) != 0) {
			link_query_lost(q, name);
		}
	}
	pthread_cond_signal(&q->changed);
}

static void send_order(struct link_order *order, const struct link_set *set)
{
	struct link_entry *entry = link_set_named(set, order->reflector);

	order->sent = true;
	int err = entry == NULL ? ERR_NOT_FOUND : link_send_moderate(entry->link, order->msg);
	if (err != 0) {
		link_order_settle(order, err, "");
	}
}

void link_ask_send(struct link_ask *ask, const struct link_set *set)
{
	for (LIST_EACH(node, &ask->queries)) {
		struct link_query *q = LIST_ENTRY(node, struct link_query, node);
		if (!q->asked) {
			send_query(q, set);
		}
	}
	for (LIST_EACH(node, &ask->orders)) {
		struct link_order *order = LIST_ENTRY(node, struct link_order, node);
		if (!order->sent) {
			send_order(order, set);
		}
	}
}

void link_ask_lost(struct link_ask *ask, const char *reflector)
{
	for (LIST_EACH(node, &ask->queries)) {
		link_query_lost(LIST_ENTRY(node, struct link_query, node), reflector);
	}
	for (LIST_EACH(node, &ask->orders)) {
		struct link_order *order = LIST_ENTRY(node, struct link_order, node);
		if (link_order_waits_for(order, reflector)) {
			link_order_settle(order, ERR_STATE, "");
		}
	}
}

/* A copy, so that two threads never hold references into one tree. What is no object goes, and the
 * name of the reflector is the one that we know it by. NULL when out of memory. */
static json_t *copy_items(const char *reflector, const json_t *items)
{
	json_t *copy = json_array();

	for (size_t i = 0; copy != NULL && i < json_array_size(items); i++) {
		const json_t *item = json_array_get(items, i);
		json_t *one = json_is_object(item) ? json_deep_copy(item) : NULL;
		if (one != NULL) {
			(void)json_object_set_new(one, "reflector", json_string(reflector));
			(void)json_array_append_new(copy, one);
		}
	}
	return copy;
}

void link_ask_answer(
	struct link_ask *ask, const char *reflector, int64_t id, const json_t *items, bool done)
{
	json_t *copy = copy_items(reflector, items);

	pthread_mutex_lock(ask->mutex);
	for (LIST_EACH(node, &ask->queries)) {
		struct link_query *q = LIST_ENTRY(node, struct link_query, node);
		if (q->id == id) {
			link_query_answer(q, reflector, copy, done);
			copy = NULL;
			break;
		}
	}
	pthread_mutex_unlock(ask->mutex);
	json_decref(copy);
}

void link_ask_moderated(struct link_ask *ask, const char *reflector, int64_t id, const char *code)
{
	pthread_mutex_lock(ask->mutex);
	for (LIST_EACH(node, &ask->orders)) {
		struct link_order *order = LIST_ENTRY(node, struct link_order, node);
		if (order->id == id && link_order_waits_for(order, reflector)) {
			link_order_settle(order, 0, code);
		}
	}
	pthread_mutex_unlock(ask->mutex);
}

/* ---- those who ask; with the mutex ---- */

static int64_t next_id(struct link_ask *ask)
{
	ask->last_id = ask->last_id < LINK_ID_MAX ? ask->last_id + 1 : 1;
	return ask->last_id;
}

static void enter(struct link_ask *ask, struct list *queue, struct list *node)
{
	ask->waiting++;
	list_append(queue, node);
	ev_async_send(ask->env->loop, ask->wake);
}

static void leave(struct link_ask *ask, struct list *node)
{
	list_remove(node);
	ask->waiting--;
}

static int wait_for_answer(struct link_ask *ask, struct link_query *q)
{
	if (ask->waiting >= LINK_ASK_MAX) {
		return ERR_RATE;
	}
	q->id = next_id(ask);
	enter(ask, &ask->queries, &q->node);
	link_query_wait(q, ask->mutex);
	leave(ask, &q->node);
	return q->asked ? 0 : ERR_TIMEOUT;
}

static int wait_for_order(struct link_ask *ask, struct link_order *order)
{
	if (ask->waiting >= LINK_ASK_MAX) {
		return ERR_RATE;
	}
	int err = link_order_number(order, next_id(ask));
	if (err != 0) {
		return err;
	}
	enter(ask, &ask->orders, &order->node);
	err = link_order_wait(order, ask->mutex);
	leave(ask, &order->node);
	return err;
}

/* ---- those who ask; without the mutex ---- */

int link_ask_query(
	struct link_ask *ask, const char *what, const char *room, json_t **items, json_t **missing)
{
	struct link_query q;
	int err = link_query_init(&q, what, room);

	if (err != 0) {
		return err;
	}
	pthread_mutex_lock(ask->mutex);
	err = wait_for_answer(ask, &q);
	pthread_mutex_unlock(ask->mutex);
	if (err == 0) {
		*items = q.items;
		*missing = q.missing;
		q.items = q.missing = NULL;
	}
	link_query_finish(&q);
	return err;
}

int link_ask_moderate(struct link_ask *ask, const char *reflector, const json_t *fields,
	char code[LINK_ORDER_CODE_MAX])
{
	struct link_order order;
	int err = link_order_init(&order, reflector, fields);

	if (err != 0) {
		return err;
	}
	pthread_mutex_lock(ask->mutex);
	err = wait_for_order(ask, &order);
	pthread_mutex_unlock(ask->mutex);
	memcpy(code, order.code, LINK_ORDER_CODE_MAX);
	link_order_finish(&order);
	return err;
}
