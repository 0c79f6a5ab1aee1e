/* http_addr: the address a request comes from, as text and as what limits are counted by. */
#ifndef AUTHD_HTTP_ADDR_H
#define AUTHD_HTTP_ADDR_H

#include <sys/socket.h>

#define HTTP_ADDR_SIZE 64u

/* The address without port; "?" when it is none of the internet's. */
void http_addr_text(const struct sockaddr *sa, char out[HTTP_ADDR_SIZE]);

/* The same, but for IPv6 the network of 64 bits that it is in: whoever has one address there has
 * them all. */
void http_addr_group(const struct sockaddr *sa, char out[HTTP_ADDR_SIZE]);

#endif
