/*
 * helio_in: the public functions about what is received: subscriptions, keyframes, layers,
 * counters.
 */
#include <helio.h>

#include <stdio.h>

#include "client-sdk/control_out.h"
#include "client-sdk/handle.h"

/* Finds a stream of somebody else's for a request, with the lock held. */
static int stream_find(struct helio *h, uint16_t id, struct roster_stream **out)
{
	if (!session_is_joined(&h->session)) {
		return HELIO_ERR_STATE;
	}
	*out = roster_find_stream(&h->session.roster, id);
	return *out != NULL ? 0 : HELIO_ERR_UNKNOWN_STREAM;
}

static int subscription(struct helio *h, const char *what, uint16_t id)
{
	struct roster_stream *stream;
	int err;

	if (h == NULL) {
		return HELIO_ERR_INVALID;
	}
	handle_lock(h);
	err = stream_find(h, id, &stream);
	if (err == 0) {
		err = control_out_subscription(&h->session, what, id);
	}
	if (err == 0) {
		/* What comes next stands in no row with what came before. */
		recv_reset(&h->session.roster.recv, &stream->recv);
		handle_wake(h);
	}
	handle_unlock(h);
	return err;
}

int helio_subscribe(struct helio *h, uint16_t stream)
{
	return subscription(h, "subscribe", stream);
}

int helio_unsubscribe(struct helio *h, uint16_t stream)
{
	return subscription(h, "unsubscribe", stream);
}

int helio_request_keyframe(struct helio *h, uint16_t id)
{
	struct roster_stream *stream;
	int err;

	if (h == NULL) {
		return HELIO_ERR_INVALID;
	}
	handle_lock(h);
	err = stream_find(h, id, &stream);
	if (err == 0) {
		err = control_out_keyframe(&h->session, id);
		handle_wake(h);
	}
	handle_unlock(h);
	return err;
}

int helio_set_layers(struct helio *h, uint16_t id, unsigned spatial, unsigned temporal)
{
	struct roster_stream *stream;
	int err;

	if (h == NULL || spatial > 15 || temporal > 15) {
		return HELIO_ERR_INVALID;
	}
	handle_lock(h);
	err = stream_find(h, id, &stream);
	if (err == 0 && !h->session.can_layers) {
		err = HELIO_ERR_UNKNOWN_MESSAGE; /* the reflector's welcome did not name it */
	}
	if (err == 0) {
		err = control_out_layers(&h->session, id, spatial, temporal);
	}
	if (err == 0) {
		handle_wake(h);
	}
	handle_unlock(h);
	return err;
}

int helio_get_stats(struct helio *h, struct helio_stats *stats)
{
	struct helio_stats now = { .size = sizeof(now) };
	const struct session *s;

	if (h == NULL || stats == NULL || stats->size < sizeof(stats->size)) {
		return HELIO_ERR_INVALID;
	}
	size_t size = stats->size;
	handle_lock(h);
	s = &h->session;
	now.frames_sent = s->out.frames_sent;
	now.bytes_sent = s->out.bytes_sent;
	now.frames_dropped_out = s->out.frames_dropped;
	now.frames_received = s->frames_received;
	now.bytes_received = s->bytes_received;
	now.pictures_incomplete = s->roster.recv.incomplete;
	now.rtt_ms = s->rtt_ms;
	now.participants = (unsigned)roster_count(&s->roster);
	if (s->lane.open) {
		const struct endpoint *endpoint = &s->answer.endpoints[s->endpoint];

		now.endpoint_port = endpoint->port;
		snprintf(now.endpoint_address, sizeof(now.endpoint_address), "%s",
			endpoint->address);
	}
	handle_unlock(h);
	handle_copy_sized(stats, size, &now, sizeof(now));
	stats->size = size;
	return 0;
}
