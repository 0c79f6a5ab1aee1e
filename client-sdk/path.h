/*
 * path: how to get a connected descriptor to a reflector's endpoint. Today there is one way, a
 * direct TCP connection; proxies and fallbacks go here. libcurl makes the connection, then the
 * descriptor is taken from it, and the TLS on it is our own.
 */
#ifndef CLIENT_SDK_PATH_H
#define CLIENT_SDK_PATH_H

#include "client-sdk/curl_loop.h"
#include "client-sdk/endpoint.h"

struct path {
	char error_text[CURL_ERROR_SIZE];
};

/* Starts to connect on curl, which belongs to the path until path_finish(). */
int path_start(struct path *path, struct curl_loop *curl, struct loop *loop,
	const struct endpoint *endpoint) MUST_CHECK;

/* The attempt ended with result: 0 and a descriptor for the caller to close, or what went wrong. */
int path_result(struct path *path, struct curl_loop *curl, CURLcode result, int *fd) MUST_CHECK;

/* Stops curl. */
void path_finish(struct path *path, struct curl_loop *curl);

#endif
