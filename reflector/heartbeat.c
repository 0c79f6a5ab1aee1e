/*
 * heartbeat: one pass over the lanes instead of timers in each. Never frees.
 */
#include "reflector/heartbeat.h"


#include "reflector/conn_join.h"
#include "reflector/conn_tls.h"
#include "reflector/lane.h"
#include "reflector/session.h"
#include "reflector/stream.h"
#include "reflector/worker.h"

#define DROPS_INTERVAL_MS 1000u
#define STUCK_MS 20000u /* a control or chat message must be on its way after this time */

static void expire_lane(struct lane *lane)
{
	switch (lane->state) {
	case LANE_HANDSHAKE:
		conn_tls_expire(lane);
		break;
	case LANE_GREETING:
		conn_join_refuse(lane, ERR_DEADLINE);
		break;
	case LANE_JOINED:
	case LANE_CLOSING:
	case LANE_LINGER:
	case LANE_DEAD:
		lane_kill(lane);
		break;
	}
}

static bool stuck(const struct frame_list *list, uint64_t now)
{
	return list->head != NULL && now - list->head->frame->arrived_ms > STUCK_MS;
}

static void send_ping(struct session *session)
{
	struct frame_hdr hdr = { .kind = FRAME_PING };
	struct frame *ping = frame_create(&hdr, NULL, session->worker->now_ms);

	session_push(session, FRAME_CLASS_CONTROL, ping);
	frame_unref(ping);
}

static const char *const classes[FRAME_CLASS_COUNT] = { "control", "audio", "chat", "video",
	"data" };

static void report_feed(struct session *session, struct frame_feed *feed)
{
	static const char *const reasons[FRAME_DROP_COUNT] = { "age", "full", "keyframe" };

	for (int why = 0; why < FRAME_DROP_COUNT; why++) {
		if (feed->drops[why].count == 0) {
			continue;
		}
		session_send(session,
			json_pack("{s:s, s:i, s:s, s:s, s:I, s:I}", "type", "drops", "stream",
				(int)feed->stream, "class", classes[feed->frame_class], "reason",
				reasons[why], "count", (json_int_t)feed->drops[why].count, "bytes",
				(json_int_t)feed->drops[why].bytes));
		feed->drops[why].count = feed->drops[why].bytes = 0;
	}
	feed->reported_ms = session->worker->now_ms;
}

static void report_drops(struct session *session)
{
	uint64_t now = session->worker->now_ms;

	for (LIST_EACH_SAFE(node, next, &session->queue.dropped_feeds)) {
		struct frame_feed *feed = LIST_ENTRY(node, struct frame_feed, node);
		if (feed->reported_ms == 0 || now - feed->reported_ms >= DROPS_INTERVAL_MS) {
			list_remove(&feed->node);
			report_feed(session, feed);
		}
	}
}

static void tell_policed(struct session *session, struct stream *stream)
{
	static const char *const reasons[FRAME_POLICE_WHYS] = { "bitrate", "muted", "loudest" };

	for (int why = 0; why < FRAME_POLICE_WHYS; why++) {
		if (stream->policed.drops[why].count == 0) {
			continue;
		}
		session_send(session,
			json_pack("{s:s, s:i, s:s, s:s, s:I, s:I}", "type", "drops", "stream",
				(int)stream->id, "class", classes[stream->frame_class], "reason",
				reasons[why], "count", (json_int_t)stream->policed.drops[why].count,
				"bytes", (json_int_t)stream->policed.drops[why].bytes));
		stream->policed.drops[why].count = stream->policed.drops[why].bytes = 0;
	}
}

/* What of its own streams was not let through. */
static void report_policed(struct session *session)
{
	uint64_t now = session->worker->now_ms;

	if (!session->policed ||
		(session->policed_told_ms != 0 &&
			now - session->policed_told_ms < DROPS_INTERVAL_MS)) {
		return;
	}
	session->policed = false;
	session->policed_told_ms = now;
	for (LIST_EACH(node, &session->streams)) {
		tell_policed(session, LIST_ENTRY(node, struct stream, node));
	}
}

static void check_session(struct lane *lane)
{
	struct session *session = lane->session;
	uint64_t now = lane->worker->now_ms;
	uint64_t interval = lane->worker->limits.heartbeat_ms;

	if (lane->worker->day_s >= session->expires_at) {
		session_bye(session, ERR_TOKEN_EXPIRED);
	} else if (session->until_ms != 0 && now >= session->until_ms) {
		session_bye(session, session->waiting ? ERR_DEADLINE : ERR_SESSION_OVER);
	} else if (now - lane->heard_ms > 2 * interval + 1000) {
		session_bye(session, ERR_TIMEOUT);
	} else if (stuck(&session->queue.lists[FRAME_CLASS_CONTROL], now) ||
		stuck(&session->queue.lists[FRAME_CLASS_CHAT], now)) {
		session_bye(session, ERR_TOO_SLOW);
	} else {
		/* While something waits a ping would only wait behind it. */
		if (now - lane->sent_ms >= interval && frame_queue_empty(&session->queue)) {
			send_ping(session);
		}
		report_drops(session);
		report_policed(session);
	}
}

void heartbeat_tick(struct worker *worker)
{
	for (LIST_EACH(node, &worker->lanes)) {
		struct lane *lane = LIST_ENTRY(node, struct lane, all);
		if (lane->deadline_ms != 0 && worker->now_ms >= lane->deadline_ms) {
			expire_lane(lane);
		} else if (lane->state == LANE_JOINED && lane->session != NULL) {
			check_session(lane);
		}
	}
}
