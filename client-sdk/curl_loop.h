/*
 * curl_loop: runs one libcurl transfer at a time on a handle's loop (multi_socket interface). It
 * owns the multi handle and the easy handle that was given to it.
 */
#ifndef CLIENT_SDK_CURL_LOOP_H
#define CLIENT_SDK_CURL_LOOP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "client-sdk/loop.h"
#include "proto/errcode.h"

struct curl_loop {
	struct loop *loop; /* borrowed */
	CURLM *multi;
	CURL *easy;
	int64_t timer_at; /* loop_now_ms() when curl wants to be called; -1 never */
};

/* Sets up an easy handle with what every transfer here has: no signals, no redirects, no proxy,
 * close-on-exec. NULL when out of memory. */
CURL *curl_loop_easy(const char *url, const char *scheme, char *error_text);

/* Takes easy (also when it fails) and starts the transfer; one that runs is stopped first. */
int curl_loop_start(struct curl_loop *curl, struct loop *loop, CURL *easy) MUST_CHECK;

/* A descriptor of curl's is ready; or time has passed. */
void curl_loop_ready(struct curl_loop *curl, int fd, unsigned events);
void curl_loop_tick(struct curl_loop *curl, int64_t now);

/* True once the transfer is over; *result says how. The easy handle stays until curl_loop_stop().
 */
bool curl_loop_finished(struct curl_loop *curl, CURLcode *result);

/* Ends the transfer and frees both handles. Safe on a zeroed struct and twice. */
void curl_loop_stop(struct curl_loop *curl);

/* One of our error codes for one of curl's. */
int curl_loop_error(CURLcode code);

#endif
