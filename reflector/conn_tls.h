/*
 * conn_tls: the TLS handshake of a lane.
 */
#ifndef REFLECTOR_CONN_TLS_H
#define REFLECTOR_CONN_TLS_H

struct lane;

/* Goes on with the handshake; the lane waits for the hello when it is done, or is closed. */
void conn_tls_step(struct lane *lane);

/* The handshake's deadline has passed. */
void conn_tls_expire(struct lane *lane);

#endif
