/*
 * link_order: keeps the books of one order. Never calls a link and never locks.
 */
#include "authd/link_order.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/cond.h"

int link_order_init(struct link_order *order, const char *reflector, const json_t *fields)
{
	memset(order, 0, sizeof(*order));
	order->reflector = reflector;
	order->msg = json_deep_copy(fields);
	list_init(&order->node);
	cond_init(&order->changed);
	if (order->msg == NULL ||
		json_object_set_new(order->msg, "type", json_string("moderate")) != 0) {
		link_order_finish(order);
		return ERR_NOMEM;
	}
	return 0;
}

void link_order_finish(struct link_order *order)
{
	json_decref(order->msg);
	order->msg = NULL;
	pthread_cond_destroy(&order->changed);
}

int link_order_number(struct link_order *order, int64_t id)
{
	order->id = id;
	return json_object_set_new(order->msg, "id", json_integer(id)) == 0 ? 0 : ERR_NOMEM;
}

bool link_order_waits_for(const struct link_order *order, const char *reflector)
{
	return order->sent && !order->done && strcmp(order->reflector, reflector) == 0;
}

void link_order_settle(struct link_order *order, int err, const char *code)
{
	order->done = true;
	order->err = err;
	snprintf(order->code, sizeof(order->code), "%s", code);
	pthread_cond_signal(&order->changed);
}

int link_order_wait(struct link_order *order, pthread_mutex_t *mutex)
{
	uint64_t until_ms = clock_now_ms() + LINK_ORDER_MS;

	while (!order->done && cond_wait_until(&order->changed, mutex, until_ms)) {
	}
	return order->done ? order->err : ERR_TIMEOUT;
}
