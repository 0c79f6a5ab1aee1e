/*
 * control: control messages of a joined session, from one table of types to handlers, and the
 * making of control frames.
 */
#ifndef REFLECTOR_CONTROL_H
#define REFLECTOR_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/errcode.h"
#include "reflector/frame.h"

struct session;
struct worker;

/* A request: req is its number, or -1. */
struct control_request {
	struct session *session;
	const json_t *msg;
	int64_t req;
};

/* 0, or the error that the peer is told. */
typedef int (*control_handler)(const struct control_request *request);

void control_handle(struct session *session, struct frame *frame);

/* A control frame with this message (borrowed; NULL gives NULL). NULL when out of memory. */
struct frame *control_frame(struct worker *worker, const json_t *msg);
/* A fatal error. */
struct frame *control_error_frame(struct worker *worker, int err);
/* req -1: none. about is taken over and may be NULL. NULL when out of memory. */
json_t *control_error_json(int err, bool fatal, int64_t req, json_t *about);
/* Answers a request: adds its req, takes msg over. */
void control_answer(const struct control_request *request, json_t *msg);

/* control_publish.c */
int control_publish(const struct control_request *request);
int control_unpublish(const struct control_request *request);
/* control_moderate.c */
int control_mute(const struct control_request *request);
int control_kick(const struct control_request *request);
int control_lock(const struct control_request *request);
int control_admit(const struct control_request *request);
int control_deny(const struct control_request *request);
/* control_subscribe.c */
int control_subscribe(const struct control_request *request);
int control_unsubscribe(const struct control_request *request);
int control_layers(const struct control_request *request);
int control_keyframe(const struct control_request *request);

#endif
