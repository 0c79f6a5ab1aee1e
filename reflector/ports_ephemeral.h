/*
 * ports_ephemeral: whether the kernel may give a port of ours to an outgoing connection of this
 * host while we are down.
 */
#ifndef REFLECTOR_PORTS_EPHEMERAL_H
#define REFLECTOR_PORTS_EPHEMERAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when one of the ports is inside the range that range_file holds as two numbers
 * (net.ipv4.ip_local_port_range; it goes to *first and *last) and is not named in reserved_file
 * ("49152-49200,50000": net.ipv4.ip_local_reserved_ports; one that cannot be read names none). */
bool ports_ephemeral(const uint16_t *ports, size_t count, const char *range_file,
	const char *reserved_file, unsigned *first, unsigned *last);

#endif
